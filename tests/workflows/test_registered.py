"""What workflows ask for is there."""

import worker
from tests.world import World


async def test_every_operation_has_its_activity_at_some_worker(world: World) -> None:
    """An activity that nobody offers would be tried for ever."""
    adapters = worker.build_adapters(world.context.settings)
    context = world.context
    offered = worker.build_activities(
        context.settings, adapters, context.pool, context.client, context.keys
    )
    await adapters.close()
    names = {each.__name__ for done in offered.values() for each in done}
    asked = {
        operation.activity.__name__
        for each in worker.WORKFLOWS
        for operation in each.operations.values()
    }
    assert asked - names == set()
