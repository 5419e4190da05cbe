"""Dates by the law: periods (lag 1930:173), public holidays (lag 1989:253), Swedish midnights."""

import calendar
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from domain.text import Text

STOCKHOLM = ZoneInfo("Europe/Stockholm")
SATURDAY, SUNDAY = 5, 6
SUNDAY_NAME = Text(sv="söndag", en="Sunday")
NATIONAL_DAY_SINCE = 2005


def easter_sunday(year: int) -> date:
    """Return Easter Sunday (Gregorian computus, Meeus/Jones/Butcher)."""
    century, rest = divmod(year, 100)
    golden = year % 19
    skipped, leap = divmod(century, 4)
    correction = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - skipped - correction + 15) % 30
    quad, odd = divmod(rest, 4)
    weekday = (32 + 2 * leap + 2 * quad - epact - odd) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


def _saturday_from(day: date) -> date:
    return day + timedelta(days=(SATURDAY - day.weekday()) % 7)


@lru_cache(maxsize=512)
def public_holidays(year: int) -> dict[date, Text]:
    """Return the named public holidays of a year (lag 1989:253 1 §).

    Until 2004 annandag pingst was one and nationaldagen was not (SFS 2004:1320).
    """
    easter = easter_sunday(year)
    moved = {date(year, 6, 6): Text(sv="nationaldagen", en="National Day")}
    if year < NATIONAL_DAY_SINCE:
        moved = {easter + timedelta(days=50): Text(sv="annandag pingst", en="Whit Monday")}
    return {
        date(year, 1, 1): Text(sv="nyårsdagen", en="New Year's Day"),
        date(year, 1, 6): Text(sv="trettondedag jul", en="Epiphany"),
        easter - timedelta(days=2): Text(sv="långfredagen", en="Good Friday"),
        easter: Text(sv="påskdagen", en="Easter Sunday"),
        easter + timedelta(days=1): Text(sv="annandag påsk", en="Easter Monday"),
        date(year, 5, 1): Text(sv="första maj", en="May Day"),
        easter + timedelta(days=39): Text(sv="Kristi himmelsfärdsdag", en="Ascension Day"),
        easter + timedelta(days=49): Text(sv="pingstdagen", en="Whit Sunday"),
        **moved,
        _saturday_from(date(year, 6, 20)): Text(sv="midsommardagen", en="Midsummer Day"),
        _saturday_from(date(year, 10, 31)): Text(sv="alla helgons dag", en="All Saints' Day"),
        date(year, 12, 25): Text(sv="juldagen", en="Christmas Day"),
        date(year, 12, 26): Text(sv="annandag jul", en="Boxing Day"),
    }


def holiday_name(day: date) -> Text | None:
    """Return the name of a public holiday, `söndag` for a Sunday without one, or None."""
    return public_holidays(day.year).get(day) or (SUNDAY_NAME if day.weekday() == SUNDAY else None)


def is_public_holiday(day: date) -> bool:
    """Whether a day is a public holiday; Sundays are (lag 1989:253 1 §)."""
    return holiday_name(day) is not None


def is_working_day(day: date) -> bool:
    """Whether something that falls due on the day is due that day (lag 1930:173 2 §).

    Not on a Sunday, public holiday, Saturday, midsommarafton, julafton or nyårsafton.
    """
    midsummer_eve = _saturday_from(date(day.year, 6, 20)) - timedelta(days=1)
    eves = {midsummer_eve, date(day.year, 12, 24), date(day.year, 12, 31)}
    return day.weekday() < SATURDAY and day not in eves and not is_public_holiday(day)


def next_working_day(day: date) -> date:
    """Return the day itself, or the first working day after it."""
    while not is_working_day(day):
        day += timedelta(days=1)
    return day


def add_working_days(start: date, count: int) -> date:
    """Return the day that lies `count` working days after `start`; `start` itself for 0.

    Raises:
        ValueError: `count` is negative.
    """
    if count < 0:
        raise ValueError("a number of working days cannot be negative")
    day = start
    for _ in range(count):
        day = next_working_day(day + timedelta(days=1))
    return day


def end_of_period(
    start: date, *, days: int = 0, weeks: int = 0, months: int = 0, years: int = 0
) -> date:
    """Return the last day of a period counted from `start` (lag 1930:173 1-2 §§).

    Weeks, months and years end on the day with the same weekday or number; in a month that
    lacks it, on its last day. A last day that is no working day moves to the next one.

    Raises:
        ValueError: a length is negative, or the end lies after the year 9999.
        OverflowError: the end lies after the last day there is.
    """
    if min(days, weeks, months, years) < 0:
        raise ValueError("a period cannot have a negative length")
    month_index = start.year * 12 + start.month - 1 + months + 12 * years
    year, month = divmod(month_index, 12)
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    end = date(year, month + 1, day) + timedelta(days=days, weeks=weeks)
    return next_working_day(end)


def midnight_after(day: date) -> datetime:
    """Return the instant, in UTC, at which a day has ended in Europe/Stockholm.

    That is 00:00 the next day: a time limit holds its whole last day. Sweden changes its clocks
    at 02:00 and 03:00, so this midnight exists exactly once.

    Raises:
        OverflowError: `day` is the last day there is, 9999-12-31.
    """
    return datetime.combine(day + timedelta(days=1), time.min, STOCKHOLM).astimezone(UTC)


def days_after(instant: datetime, days: int) -> datetime:
    """Return the instant, in UTC, at the same time of day in Europe/Stockholm days later.

    Not a number of hours: over a change of clocks that would be an hour off, and from a midnight
    the wrong day. `days` may be negative. A time that the clocks skip is taken an hour later.

    Raises:
        ValueError: the instant has no time zone.
    """
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return (instant.astimezone(STOCKHOLM) + timedelta(days=days)).astimezone(UTC)


def local_date(instant: datetime) -> date:
    """Return the day of an instant in Europe/Stockholm.

    Raises:
        ValueError: the instant has no time zone.
    """
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return instant.astimezone(STOCKHOLM).date()
