"""Changes of the rules that runs begun by older code must not take (docs/changing-a-workflow.md).

A run that is replayed must ask the world for the same things, in the same order, as it did when
it was first run. A rule that would ask for others is a change with a name: it holds in runs that
begin after it was built, and an older run takes it when it continues as new.
"""

# Each name with one line that says what it changes, oldest first.
CHANGES: tuple[str, ...] = ()
