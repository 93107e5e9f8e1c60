"""Tests of software that files with CBP, to begin with. Where a sample file is sent here, yours would send its own.

In the conftest.py at the root of your tests: pytest_plugins = ["sandbox.pytest_plugin"]
"""

import pytest

from sandbox.samples import SampleBill, SampleEntry, entries_se, manifest_309

TRIP = "TSTC2503100001"
SCN = "TSTC25031000001"


def test_a_parcel_is_released_when_its_truck_arrives(cbp):
    """A 997 and a 355 answer the manifest, a 350 with code 1C releases the parcel at the border."""
    answers = cbp.send(manifest_309([SampleBill(SCN[4:], kind="35")]))
    assert [answer.kind for answer in answers] == ["997", "355"]
    (release,) = cbp.arrive(TRIP)
    assert b"*1C**TSTC" in release.payload
    assert cbp.shipment(SCN)["state"] == "RELEASED"


def test_a_hold_ends_after_half_an_hour(cbp):
    """The marker HOLD in the number asks for a hold; what comes later is had by moving the clock."""
    cbp.send(manifest_309([SampleBill("HOLD0000001")]))
    cbp.send(entries_se([SampleEntry("0000001", "HOLD0000001")]))
    cbp.arrive(TRIP)
    assert cbp.shipment("TSTCHOLD0000001")["state"] == "HELD"
    cbp.advance(minutes=30)
    assert cbp.shipment("TSTCHOLD0000001")["state"] == "RELEASED"


@pytest.mark.cbp(clock="2025-08-29T00:01:00-04:00")
def test_the_exemption_has_ended(cbp):
    """From this minute Section 321 is refused; the transcript says why."""
    cbp.send(manifest_309([SampleBill(SCN[4:], kind="35")], day="20250829"))
    verdict = cbp.transcript()[0]["verdict"]
    assert "rejected 1" in verdict["result"]
    assert verdict["reasons"][0]["place"].startswith(SCN)


def test_lost_answers_come_again_when_the_same_file_is_sent(cbp):
    """A plan of faults with a seed: here every answer is lost, until it ends."""
    manifest = manifest_309([SampleBill(SCN[4:], kind="35")])
    cbp.plan_faults({"drop": 1.0})
    assert cbp.send(manifest) == []
    cbp.plan_faults({})
    assert [answer.kind for answer in cbp.send(manifest)] == ["997", "355"]


@pytest.mark.cbp(sftp=True, clock="2025-03-10T08:00:00-04:00")
def test_by_the_real_doors(cbp_server):
    """Point your software to as2_url or the SFTP port, exchange certificates in the folder, and look at the books."""
    assert cbp_server.as2_url.startswith("http://127.0.0.1:")
    assert (cbp_server.exchange / "sandbox.pem").exists()
    assert cbp_server.ports.sftp
    cbp_server.set_clock("2025-03-10T12:00:00-04:00")
    assert cbp_server.settled()
    assert cbp_server.get("/state")["manifests"] == []
