"""References to a Key Vault in app settings, and the file that stands in for one."""

from pathlib import Path

import pytest

from sandbox.vault import VaultError, read_vault, resolved

SECRETS = {"hr-keys": "new old"}


@pytest.mark.parametrize(
    ("value", "becomes"),
    [
        ("@Microsoft.KeyVault(SecretUri=https://contoso.vault.azure.net/secrets/hr-keys/)", "new old"),
        ("@Microsoft.KeyVault(SecretUri=https://contoso.vault.azure.net/secrets/HR-keys)", "new old"),
        ("plain", "plain"),
        ("@Microsoft.KeyVault(SecretUri=https://elsewhere.example/secrets/hr-keys/)", None),
        ("@Microsoft.KeyVault(SecretUri=https://contoso.vault.azure.net/secrets/unknown/)", None),
    ],
)
def test_a_reference_becomes_its_secret_and_anything_else_stays(value: str, becomes: str | None) -> None:
    assert resolved({"A": value, "B": "2"}, SECRETS) == {"A": becomes or value, "B": "2"}


@pytest.mark.parametrize(
    ("text", "said"), [("[]", "JSON object"), ('{"a": 1}', "JSON object"), ("{", "cannot be read")]
)
def test_a_file_that_is_no_vault_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "vault.json").write_text(text)
    with pytest.raises(VaultError, match=said):
        read_vault(tmp_path / "vault.json")
    with pytest.raises(VaultError, match="cannot be read"):
        read_vault(tmp_path / "nowhere.json")
