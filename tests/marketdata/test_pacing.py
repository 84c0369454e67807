"""How the replay plays, without a database: no session is left out that somebody depends on."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tradedesk.marketdata.pacing import SPEEDS, Play, shown_since

DAY, START = timedelta(days=1), date(2010, 1, 4)
WALL = datetime(2026, 1, 5, 12, tzinfo=UTC)
days = st.dates(START, date(2013, 2, 28))
plays = st.builds(Play, paused=st.booleans(), speed=st.sampled_from(SPEEDS), jump_to=st.none() | days)
seconds = st.floats(0.05, 3600)


@given(plays, days)
def test_while_somebody_follows_it_moves_by_one_session(play: Play, following: date) -> None:
    assert play.target(following, is_idle=False) == following


@given(plays, days)
def test_an_idle_desk_goes_to_the_end_of_a_jump_and_never_back(play: Play, following: date) -> None:
    target = play.target(following, is_idle=True)
    assert target >= following
    assert target == (max(following, play.jump_to) if play.jump_to else following)


@given(plays, days, st.booleans())
def test_a_jump_ends_exactly_at_its_session(play: Play, session: date, is_idle: bool) -> None:
    """Steps until it has arrived; where it was paused, it is paused again."""
    if play.jump_to is None:
        return
    left = play.still_to_jump(session)
    for _ in range((play.jump_to - session).days + 1):
        if left is None:
            break
        session = Play(play.paused, play.speed, left).target(session + DAY, is_idle=is_idle)
        left = play.still_to_jump(session)
    assert left is None
    assert Play(play.paused, play.speed, left).stands == play.paused


@given(plays, seconds)
def test_only_a_jump_and_the_speed_make_it_faster(play: Play, seconds_per_bar: float) -> None:
    pace = play.pace(seconds_per_bar)
    if play.jump_to:
        assert pace == timedelta(0)
        assert not play.stands
    else:
        assert abs(pace * play.speed - timedelta(seconds=seconds_per_bar)) < timedelta(milliseconds=1)
        assert play.stands == play.paused


@given(st.floats(-10, 7200), st.floats(0, 60))
def test_a_late_call_is_made_up_for_by_less_than_one_session(late: float, pace: float) -> None:
    length, now = timedelta(seconds=pace), WALL + timedelta(seconds=late)
    since = shown_since(WALL, length, now)
    assert since <= now
    assert now - since < length or since == now
