"""Actions of the market and of the desk's own processes."""

from random import Random

from tests.livetrading.second_broker.market import Path, dollars
from tests.simulation.actions import action
from tests.simulation.world import BEAT, DAYS, World
from tradedesk.marketdata.sessions import session_close, session_open

# A worker that is held up or killed reaches so many points before it.
POINTS = 45


@action(0)
def begin_session(world: World, random: Random) -> None:
    """The next session opens, with a gap."""
    world.day += 1
    world.set_time(session_open(DAYS[world.day]))
    for symbol in world.prices.last:
        price = world.prices.step(symbol, random, 0.03)
        world.prices.begin_session(symbol)
        for desk in world.desks:
            if desk.broker is not None and not world.frozen:
                desk.broker.paths[symbol] = Path(dollars(price))
    broker(world, random)


@action(0)
def end_session(world: World, random: Random) -> None:
    """The session closes: day orders expire, and each symbol has a bar, unless it is late."""
    if not world.is_open():
        return  # the list was shrunk
    world.set_time(session_close(DAYS[world.day]))
    for desk in world.desks:
        if desk.broker is not None and random.random() < 0.7:
            desk.broker.end_day()
    for symbol in world.prices.last:
        bar = symbol, DAYS[world.day], world.prices.row(symbol)
        if random.random() < 0.06:
            world.withheld.append(bar)
            world.counts["late bars"] += 1
        else:
            world.shelf.put(*bar)
    cycle(world, random)


@action(9, 5)
def cycle(world: World, random: Random) -> None:
    """Beat does its work, and the workers empty the queue, not without accidents."""
    world.wait(random.choice([1, 2, 6, 12, 31]))
    for task in BEAT:
        world.publish(task, [()])
    for _ in range(12):
        if not world.queue:
            break
        if any(desk.line.late for desk in world.desks) and random.random() < 0.3:
            world.deliver()  # after one worker has looked, and before another one sends
        number = random.randrange(len(world.queue)) if random.random() < 0.2 else 0
        accident = random.random()
        points, life = None, None
        if accident < 0.03:
            world.queue.pop(number)
            world.counts["lost messages"] += 1
            continue
        if accident < 0.06:
            world.queue.append(world.queue[number])
            world.counts["doubled messages"] += 1
        elif accident < 0.10:
            life = random.randrange(POINTS)
        elif accident < 0.18:
            points = random.randrange(POINTS)
        world.run_message(number, points, life)


@action(5, 3)
def resume(world: World, random: Random) -> None:
    """A worker that was held up goes on, for a while or to its end, or is killed."""
    if not world.held_up:
        return
    choice = random.random()
    limit = random.randrange(POINTS)
    number = random.randrange(4)
    if choice < 0.15:
        world.resume(number, life=limit)
    else:
        world.resume(number, points=limit if choice < 0.4 else None)


@action(5)
def prices(world: World, random: Random) -> None:
    """The prices of some symbols move, some of them at one jump."""
    for symbol in world.prices.last:
        if random.random() < 0.7:
            price = world.prices.step(symbol, random)
            jumps = random.random() < 0.2
            for desk in world.desks:
                if desk.broker is None or world.frozen:
                    continue
                (desk.broker.jump if jumps else desk.broker.move)(symbol, price)
    broker(world, random)


@action(5, 2)
def broker(world: World, random: Random) -> None:
    """The brokers work: requests take effect, and in a session orders are filled, at times in parts."""
    for desk in world.desks:
        if desk.broker is None or random.random() < 0.2:
            continue
        desk.broker.largest_fill = random.choice([None, None, None, dollars(30), dollars(7)])
        if world.is_open():
            desk.broker.work()
        else:
            desk.broker.answer()


@action(0.6, 0.6)
def wait(world: World, random: Random) -> None:
    world.wait(random.choice([35, 70, 301]))


@action(0.3, 0.2)
def clock_jump(world: World, random: Random) -> None:
    """The clock of the machine is set."""
    world.counts["clock jumps"] += 1
    world.wait(random.choice([-20, -3, 400, 1800]))


@action(0.2, 0.7)
def late_bars(world: World, random: Random) -> None:
    """Bars arrive that were late, in any order."""
    random.shuffle(world.withheld)
    for _ in range(random.randint(0, len(world.withheld))):
        world.shelf.put(*world.withheld.pop())


@action(0, 0.3)
def corrected_bar(world: World, random: Random) -> None:
    """The last bar of a symbol is stored again, as it was or corrected."""
    symbol = random.choice(sorted(world.prices.last))
    day = world.shelf.last_day(symbol)
    if day is not None and world.day == DAYS.index(day):
        open_, high, low, close = world.prices.row(symbol)
        close = random.choice([close, low, high])
        world.shelf.put(symbol, day, (open_, high, low, close))
        world.counts["corrected bars"] += 1
