"""The commands over everything at once: adopt, departures, rebuild and reconcile."""

from pathlib import Path

from commands import adopting, departures, rebuilding, reconciling, showing
from commands.context import CommandError, Context, print_json, print_line
from commands.options import DataDir, English, Json, with_context
from commands.options import screen as screen_of

ADOPTED = (
    "Övertagandet är avslutat: avstämningen åtgärdar igen. / "
    "The adoption is over: the reconciliation acts again."
)
NOT_ADOPTING = "Inget övertagande pågick. / No adoption was under way."


def adopt(
    file: Path | None = None,
    *,
    done: bool = False,
    basis: str | None = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> int:
    """Take over producers who were connected before; a report is written beside the file.

    One line for each permission. Columns: org_number, contact_name, contact_email,
    agreement_valid_from, dataset_id, system_account, application_production; and, where known,
    name, contact_phone, deputy_name, deputy_email, deputy_phone, agreement_document (sha256),
    hosting, base_url, application_verification, valid_until; for a right of an agent also party
    (its organisation number), agent_name, agent_contact_name, agent_contact_email,
    agent_contact_phone, and valid_until. Can be repeated.
    What the agreement register holds for the producer goes before agreement_valid_from.
    Until --done the reconciliation only reports.
    Example: starter.py adopt producers.csv

    Args:
        file: the CSV file
        done: everybody has been taken over: the reconciliation acts again
        basis: on what ground, kept in the journal; else the name of the file
        data_dir: where the running stack keeps its data
        json: print data for programs
    """
    if (file is None) is not done:
        raise CommandError("Ange en fil, eller --done. / Give a file, or --done.")
    if file is None:
        was_under_way = with_context(adopting.done, data_dir)
        if json:
            print_json({"done": int(was_under_way)})
        else:
            print_line(ADOPTED if was_under_way else NOT_ADOPTING)
        return 0
    counts = with_context(lambda each: adopting.adopt_file(each, file, basis), data_dir)
    showing.print_counts(counts, json=json)
    return 1 if counts.keys() & {"refused", "waiting"} else 0


def reconcile(
    *, last: bool = False, data_dir: DataDir = None, english: English = False, json: Json = False
) -> int:
    """Compare what outside systems hold with what is granted, and deal with what differs.

    When something differs it looks again after ten minutes. Ctrl-C leaves the run going.
    Example: starter.py reconcile --last

    Args:
        last: only print the report of the last run, nightly ones too
        data_dir: where the running stack keeps its data
        english: texts in English
        json: print data for programs
    """

    async def work(context: Context) -> bool:
        screen = screen_of(context, english=english)
        if last:
            await reconciling.last(context, screen, json=json)
            return True
        return await reconciling.reconcile(context, screen, json=json)

    return 0 if with_context(work, data_dir) else 1


def departures_file(file: Path, *, data_dir: DataDir = None, json: Json = False) -> int:
    """Schedule the departures of a leaver list (CSV); a report is written beside it.

    Columns: person (mail address or account id), last_day; and, where known, role,
    successor_name, successor_email, successor_phone. Can be repeated.
    Example: starter.py departures leavers.csv
    """
    counts = with_context(lambda context: departures.departures(context, file), data_dir)
    showing.print_counts(counts, json=json)
    return 1 if counts.keys() & {"refused", "unanswered"} else 0


def rebuild(*, data_dir: DataDir = None, json: Json = False) -> int:
    """Write lists and views again from the running workflows and the record, beside the workers.

    Example: starter.py rebuild
    """
    counted = with_context(rebuilding.rebuild, data_dir)
    showing.print_result(counted, json=json)
    return 1 if counted["unknown"] else 0
