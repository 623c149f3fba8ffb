"""Save the Prefect block that carries alerts: a webhook that takes what Slack's take, such as Slack or Mattermost.

It takes the setting slack_webhook_url, wherever that comes from, and keeps the address as a secret of the Prefect
server.
"""

import sys

from prefect.blocks.notifications import CustomWebhookNotificationBlock

from flows.settings import load_settings
from signals.errors import ConfigurationError

try:
    setting = load_settings().slack_webhook_url
    if setting is None:
        raise ConfigurationError(
            "slack_webhook_url",
            expected="the address of a webhook, to which the Prefect server sends its alerts",
            got="none",
            do="Set TAILGUARD_SLACK_WEBHOOK_URL, or use another notification block: tailguard automations install "
            "--block.",
        )
    url = setting.get_secret_value()
except ConfigurationError as error:
    sys.exit(str(error))
block = CustomWebhookNotificationBlock(
    name="tailguard",
    url="{{url}}",
    secrets={"url": url},
    json_data={"text": "{{subject}}\n{{body}}"},
)
block.save("tailguard-alerts", overwrite=True)
sys.stdout.write("Saved the block tailguard-alerts.\n")
