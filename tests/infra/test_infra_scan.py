"""Each complaint of checkov's that stays has its reason; the scan is `make scan`, in an environment of its own."""

from deploy.scan_infra import CONFIGURATION, reasons, unexpected


def test_every_complaint_that_stays_has_a_reason() -> None:
    listed = CONFIGURATION.read_text(encoding="utf-8").count("  - CKV")
    assert len(reasons()) == listed > 0
    assert all(reasons().values())


def test_a_new_complaint_and_one_that_is_gone_are_told() -> None:
    explained = {"CKV_AZURE_1": "because", "CKV_AZURE_2": ""}
    assert unexpected({"CKV_AZURE_1": "known"}, {"CKV_AZURE_1": "because"}) == []
    assert unexpected({"CKV_AZURE_2": "no reason", "CKV_AZURE_3": "new"}, explained) == [
        "CKV_AZURE_2: no reason",
        "CKV_AZURE_3: new",
        "CKV_AZURE_1: checkov no longer says this",
    ]
