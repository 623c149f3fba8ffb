"""Stored studies in the review app: the newest one, all others, their charts and files."""

from __future__ import annotations

import datetime as dt
import html
import io
import json
import re
from pathlib import Path

import pytest
from PIL import Image

from reports.study.charts import study_charts
from reports.study.export import levels_csv, study_csv, study_json
from signals.calendar import TradingCalendar
from storage.engine import open_engine
from storage.unit_of_work import UnitOfWork
from tests.reports.made_study import made_study
from tests.reports.review_site import Reader, config_of, reader_of
from tests.reports.test_study_words import poisoned

pytestmark = pytest.mark.server

MORNING = dt.datetime(2026, 7, 30, 8, tzinfo=dt.UTC)


@pytest.fixture
def database(tmp_path: Path, sqlite_with_schema: bytes) -> Path:
    path = tmp_path / "tailguard.db"
    path.write_bytes(sqlite_with_schema)
    return path


@pytest.fixture
def reader(database: Path, calendar: TradingCalendar) -> Reader:
    return reader_of(config_of(f"sqlite:///{database}", calendar))


def store(database: Path, document: str, hours: int = 0, *, key: str = "a", simulated: bool = False) -> int:
    engine = open_engine(f"sqlite:///{database}")
    with UnitOfWork(engine) as work:
        found = work.studies.add(
            key * 64,
            document,
            made_at=MORNING + dt.timedelta(hours=hours),
            first=dt.date(2006, 3, 31),
            last=dt.date(2026, 7, 29),
            source="files",
            simulated=simulated,
            complete=not hours,
        )
        work.commit()
    engine.dispose()
    return found


def words(text: str) -> str:
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", text)).split())


def test_without_one_it_is_said_how_one_is_made(reader: Reader) -> None:
    answer = reader.get("/study")
    assert answer.status_code == 200
    assert "tailguard study" in answer.text
    assert reader.get("/study/1").status_code == 404


def test_the_newest_is_shown_with_its_charts_and_files(reader: Reader, database: Path) -> None:
    result = made_study()
    first = store(database, study_json(result))
    last = store(database, study_json(made_study(failing=True)), 1, key="b")
    newest, page = reader.get("/study"), reader.get(f"/study/{first}")
    assert newest.text == reader.get(f"/study/{last}").text
    assert "2 parts of the study failed" in newest.text
    assert " ".join(result.answer) in words(page.text)
    assert [f'href="/study/{each}"' in page.text for each in (first, last)] == [True, True]
    addresses = re.findall(r'src="(/study/[^"]+)"', page.text)
    assert len(addresses) == len(study_charts(result))
    for address in addresses[:2]:
        picture = reader.get(html.unescape(address))
        assert picture.headers["cache-control"].endswith("immutable")
        with Image.open(io.BytesIO(picture.content)) as image:
            assert image.format == "PNG"
    assert reader.get(f"/study/{first}/charts/none.png").status_code == 404
    for ending, written in (("json", study_json), ("csv", study_csv), ("levels", levels_csv)):
        file = reader.get(f"/study/{first}/{ending}")
        assert file.text == written(result)
        assert "attachment" in file.headers["content-disposition"]
    one = reader.get(f"/study/{last}/html").text
    assert one.count("data:image/png") == len(study_charts(made_study(failing=True)))


def test_one_made_again_is_shown_anew(reader: Reader, database: Path) -> None:
    store(database, study_json(made_study(failing=True)))
    assert "2 parts of the study failed" in reader.get("/study").text
    store(database, study_json(made_study()), 1)
    assert "parts of the study failed" not in reader.get("/study").text


def test_one_that_cannot_be_read_says_so_and_spoils_no_other(reader: Reader, database: Path) -> None:
    damaged = store(database, "{}")
    newer = store(database, json.dumps({"version": 99}), 1, key="b")
    fine = store(database, study_json(made_study()), 2, key="c")
    assert "is damaged" in reader.get(f"/study/{damaged}").text
    assert "upgrade tailguard" in reader.get(f"/study/{newer}").text
    assert {reader.get(f"/study/{each}/csv").status_code for each in (damaged, newer)} == {503}
    assert reader.get(f"/study/{fine}").status_code == 200


def test_hostile_words_stay_words(reader: Reader, database: Path) -> None:
    found = store(database, json.dumps(poisoned(json.loads(study_json(made_study())))), simulated=True)
    page = reader.get(f"/study/{found}").text
    assert page.count("&lt;script&gt;") > 100
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "Simulated market" in page
    for address in ("/study/0", "/study/x", f"/study/{2**31}", f"/study/{found}/charts/%3Cscript%3E.png"):
        answer = reader.get(address)
        assert answer.status_code in (400, 404)
        assert "<script>alert" not in answer.text
