"""Official checkpoints of which one byte of the index is another one."""

from __future__ import annotations

import pytest
from index_mutations import BUNDLES, outcomes, unread_places


@pytest.mark.parametrize("bundle", BUNDLES)
def test__parse_bundle__any_byte_of_the_index_changed__is_refused_or_gives_the_right_numbers(
    bundle: str,
) -> None:
    found = list(outcomes(bundle, (0x01, 0xFF)))
    assert {outcome for _, outcome in found} == {"refused", "right"}
    assert {place for place, outcome in found if outcome == "right"} <= unread_places(bundle)
