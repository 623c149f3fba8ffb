"""The database: models, migrations, a unit of work and its repositories. Knows nothing of where data come from."""
