from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import dates

DAYS = st.dates(date(1990, 1, 1), date(2060, 12, 31))
INSTANTS = st.datetimes(datetime(1990, 1, 1), datetime(2060, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is the strategy's


@pytest.mark.parametrize(
    ("start", "length", "end"),
    [
        ("2026-05-29", {"weeks": 3}, "2026-06-22"),  # midsommarafton
        ("2026-12-03", {"weeks": 3}, "2026-12-28"),  # julafton, jul and a weekend
        ("2026-12-10", {"weeks": 3}, "2027-01-04"),  # nyårsafton, nyårsdagen and a weekend
        ("2026-03-13", {"weeks": 3}, "2026-04-07"),  # långfredagen until annandag påsk
        ("2026-04-23", {"weeks": 3}, "2026-05-15"),  # Kristi himmelsfärdsdag
        ("2026-12-09", {"weeks": 4}, "2027-01-07"),  # trettondedag jul
        ("2026-08-31", {"months": 6}, "2027-03-01"),  # no 31 February; the 28th is a Sunday
        ("2028-02-29", {"years": 1}, "2029-02-28"),  # no 29 February
        ("2026-11-24", {"days": 14}, "2026-12-08"),
        ("2026-11-28", {"days": 0}, "2026-11-30"),  # a Saturday
    ],
)
def test_a_period_ends_by_the_law(start: str, length: dict[str, int], end: str) -> None:
    """The golden values of `domain.md` 2.3: same weekday or number, last of month, rolled."""
    assert dates.end_of_period(date.fromisoformat(start), **length) == date.fromisoformat(end)


@given(DAYS, st.integers(0, 60))
def test_weeks_end_on_the_same_weekday(start: date, weeks: int) -> None:
    """Only a last day that is no working day moves the end, and then to the next working day."""
    end = dates.end_of_period(start, weeks=weeks)
    assert dates.is_working_day(end)
    assert end == dates.next_working_day(start + timedelta(weeks=weeks))


@given(DAYS, st.integers(0, 60))
def test_months_end_on_the_same_number_or_the_last(start: date, months: int) -> None:
    """The end lies in the right month, or has rolled past non-working days only."""
    end = dates.end_of_period(start, months=months)
    month = start.year * 12 + start.month - 1 + months
    last = max(
        day
        for number in range(1, start.day + 1)
        if (day := _day(month // 12, month % 12 + 1, number)) is not None
    )
    between = [last + timedelta(days=n) for n in range((end - last).days)]
    assert dates.is_working_day(end)
    assert not any(map(dates.is_working_day, between))


def _day(year: int, month: int, number: int) -> date | None:
    try:
        return date(year, month, number)
    except ValueError:
        return None


@given(DAYS, DAYS, st.integers(0, 30), st.integers(0, 30))
def test_a_later_start_never_ends_earlier(one: date, two: date, weeks: int, months: int) -> None:
    """The end of a period grows with its start."""
    first, second = sorted((one, two))
    for length in ({"weeks": weeks}, {"months": months}):
        assert dates.end_of_period(first, **length) <= dates.end_of_period(second, **length)


@given(DAYS, st.integers(0, 30))
def test_a_year_is_twelve_months(start: date, years: int) -> None:
    """Years and twelve times as many months end on the same day."""
    twelve = dates.end_of_period(start, months=12 * years)
    assert dates.end_of_period(start, years=years) == twelve


@pytest.mark.parametrize("unit", ["days", "weeks", "months", "years"])
def test_a_negative_length_is_refused(unit: str) -> None:
    """A period runs forward."""
    with pytest.raises(ValueError, match="negative"):
        dates.end_of_period(date(2026, 1, 1), **{unit: -1})
    with pytest.raises(ValueError, match="negative"):
        dates.add_working_days(date(2026, 1, 1), -1)


def test_public_holidays_are_those_of_the_holidays_package() -> None:
    """Every day of 1990 to 2060 is a public holiday here exactly if the package says so."""
    known = holidays.country_holidays("SE", years=range(1990, 2061), language="sv")
    for year in range(1990, 2061):
        ours = set(dates.public_holidays(year))
        assert ours == {day for day in known if day.year == year}, year


def test_working_days_are_those_of_the_holidays_package() -> None:
    """The eves count as in its category `de_facto`, Saturdays and Sundays as weekend."""
    years = range(1990, 2061)
    known = holidays.country_holidays("SE", years=years, categories=("public", "de_facto"))
    day = date(1990, 1, 1)
    while day.year <= years[-1]:
        assert dates.is_working_day(day) == (day.weekday() < 5 and day not in known), day
        day += timedelta(days=1)


@pytest.mark.parametrize(
    ("day", "swedish", "english"),
    [
        (date(2026, 4, 3), "långfredagen", "Good Friday"),
        (date(2026, 6, 20), "midsommardagen", "Midsummer Day"),
        (date(2026, 6, 6), "nationaldagen", "National Day"),
        (date(2004, 5, 31), "annandag pingst", "Whit Monday"),
        (date(2026, 11, 29), "söndag", "Sunday"),
    ],
)
def test_a_public_holiday_has_a_name(day: date, swedish: str, english: str) -> None:
    """Each public holiday is named in both languages, a plain Sunday too."""
    name = dates.holiday_name(day)
    assert name is not None
    assert (name.sv, name.en) == (swedish, english)
    assert dates.is_public_holiday(day)


@pytest.mark.parametrize(
    "day", [date(2026, 6, 19), date(2026, 12, 24), date(2026, 12, 31), date(2026, 5, 25)]
)
def test_eves_and_whit_monday_are_no_public_holidays(day: date) -> None:
    """The eves only move the end of a period; Whit Monday is an ordinary day since 2005."""
    assert dates.holiday_name(day) is None
    assert not dates.is_public_holiday(day)


@given(DAYS, st.integers(0, 60))
def test_working_days_are_counted_one_by_one(start: date, count: int) -> None:
    """Between a start and the n:th working day after it lie exactly n working days."""
    end = dates.add_working_days(start, count)
    after = [start + timedelta(days=n) for n in range(1, (end - start).days + 1)]
    assert sum(map(dates.is_working_day, after)) == count
    assert count == 0 or dates.is_working_day(end)


@pytest.mark.parametrize(
    ("day", "instant"),
    [
        (date(2026, 11, 24), "2026-11-24T23:00:00+00:00"),
        (date(2026, 6, 22), "2026-06-22T22:00:00+00:00"),
        (date(2026, 3, 28), "2026-03-28T23:00:00+00:00"),  # clocks go forward on the 29th
        (date(2026, 3, 29), "2026-03-29T22:00:00+00:00"),
        (date(2026, 10, 24), "2026-10-24T22:00:00+00:00"),  # and back on the 25th
        (date(2026, 10, 25), "2026-10-25T23:00:00+00:00"),
    ],
)
def test_a_day_ends_at_swedish_midnight(day: date, instant: str) -> None:
    """Summer or winter time, the day has ended at 00:00 of the next one in Stockholm."""
    assert dates.midnight_after(day).isoformat() == instant


@pytest.mark.parametrize(
    ("instant", "days", "moved"),
    [
        ("2027-03-28T22:00:00+00:00", -30, "2027-02-26T23:00:00+00:00"),  # 00:00 there and here
        ("2027-10-31T23:00:00+00:00", -1, "2027-10-30T22:00:00+00:00"),  # a day of 25 hours
        ("2027-10-30T22:00:00+00:00", 1, "2027-10-31T23:00:00+00:00"),
        ("2028-02-28T23:00:00+00:00", 1, "2028-02-29T23:00:00+00:00"),  # there is a 29th
        ("2027-03-27T01:30:00+00:00", 1, "2027-03-28T01:30:00+00:00"),  # 02:30 is skipped: 03:30
    ],
)
def test_days_are_counted_by_the_clock_on_the_wall(instant: str, days: int, moved: str) -> None:
    """Summer or winter time, the time of day is the same; midnight stays midnight."""
    found = dates.days_after(datetime.fromisoformat(instant), days)
    assert found.isoformat() == moved


@given(DAYS, st.integers(-400, 400))
def test_some_days_from_a_midnight_is_a_midnight(day: date, days: int) -> None:
    """Nothing that counts from the end of a day comes on the wrong day."""
    moved = dates.days_after(dates.midnight_after(day), days)
    assert moved == dates.midnight_after(day + timedelta(days=days))


@given(DAYS)
def test_the_last_moment_of_a_day_is_still_that_day(day: date) -> None:
    """Midnight after a day belongs to the next day, the microsecond before to the day itself."""
    end = dates.midnight_after(day)
    assert end.tzinfo is UTC
    assert dates.local_date(end) == day + timedelta(days=1)
    assert dates.local_date(end - timedelta(microseconds=1)) == day


@given(INSTANTS)
def test_every_instant_lies_in_its_own_day(instant: datetime) -> None:
    """An instant comes before the end of its day and not before the end of the day before."""
    day = dates.local_date(instant)
    assert dates.midnight_after(day - timedelta(days=1)) <= instant < dates.midnight_after(day)
    assert dates.local_date(instant.astimezone(ZoneInfo("Asia/Tokyo"))) == day


def test_an_instant_without_zone_is_refused() -> None:
    """Nobody can tell which day it lies in."""
    with pytest.raises(ValueError, match="time zone"):
        dates.local_date(datetime(2026, 1, 1))  # noqa: DTZ001 - the point of the test
    with pytest.raises(ValueError, match="time zone"):
        dates.days_after(datetime(2026, 1, 1), 1)  # noqa: DTZ001 - the point of the test
