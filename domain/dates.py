"""Dates by the law: periods (lag 1930:173), public holidays (lag 1989:253), Swedish midnights."""

import calendar
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

STOCKHOLM = ZoneInfo("Europe/Stockholm")
SATURDAY, SUNDAY = 5, 6


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
def public_holidays(year: int) -> dict[date, str]:
    """Return the public holidays of a year by their Swedish names (lag 1989:253 1 §)."""
    easter = easter_sunday(year)
    return {
        date(year, 1, 1): "nyårsdagen",
        date(year, 1, 6): "trettondedag jul",
        easter - timedelta(days=2): "långfredagen",
        easter: "påskdagen",
        easter + timedelta(days=1): "annandag påsk",
        date(year, 5, 1): "första maj",
        easter + timedelta(days=39): "Kristi himmelsfärdsdag",
        easter + timedelta(days=49): "pingstdagen",
        date(year, 6, 6): "nationaldagen",
        _saturday_from(date(year, 6, 20)): "midsommardagen",
        _saturday_from(date(year, 10, 31)): "alla helgons dag",
        date(year, 12, 25): "juldagen",
        date(year, 12, 26): "annandag jul",
    }


def is_public_holiday(day: date) -> bool:
    """Whether a day is a public holiday; Sundays are."""
    return day.weekday() == SUNDAY or day in public_holidays(day.year)


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
    """Return the day that lies `count` working days after `start`."""
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
    """
    month_index = start.year * 12 + start.month - 1 + months + 12 * years
    year, month = divmod(month_index, 12)
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    end = date(year, month + 1, day) + timedelta(days=days, weeks=weeks)
    return next_working_day(end)


def midnight_after(day: date) -> datetime:
    """Return the instant at which a day has ended: 00:00 the next day, Europe/Stockholm."""
    return datetime.combine(day + timedelta(days=1), time.min, STOCKHOLM)


def local_date(instant: datetime) -> date:
    """Return the day of an instant in Europe/Stockholm.

    Raises:
        ValueError: the instant has no time zone.
    """
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return instant.astimezone(STOCKHOLM).date()
