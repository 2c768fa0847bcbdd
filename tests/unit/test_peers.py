"""The environment of the independent verifiers works, and tells a sound document from a broken one."""

import json

import pytest

from tests.peers.running import needs_peers, run_peer

SOUND = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": []}


@needs_peers
def test_a_script_answers_and_sees_what_is_wrong(tmp_path):
    sound, broken = tmp_path / "sound.json", tmp_path / "broken.json"
    sound.write_text(json.dumps(SOUND))
    broken.write_text(json.dumps({**SOUND, "colour": "blue"}))
    judged = run_peer("judge_cyclonedx.py", sound, broken)
    assert judged[str(sound)] == []
    assert len(judged[str(broken)]) == 1
    assert "colour" in judged[str(broken)][0]


@needs_peers
def test_a_script_that_fails_says_so(tmp_path):
    with pytest.raises(AssertionError, match="judge_cyclonedx"):
        run_peer("judge_cyclonedx.py", tmp_path / "nothing.json")
