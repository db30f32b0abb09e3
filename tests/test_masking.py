import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from djsb_core.masking import Masker, is_secret_name, mask


@pytest.mark.parametrize(
    "name",
    ["api_key", "apiKey", "API-KEY", "OPENAI_API_KEY", "password", "db_passwd", "hf_token", "token",
     "AWS_SECRET_ACCESS_KEY", "client_secret", "Authorization", "private_key", "access_token",
     "WANDB_API_KEY", "GITHUB_TOKEN", "credentials", "azure_account_key", "pwd", "SLACK_WEBHOOK",
     "DATABASE_DSN", "connection_string", "passphrase", "session_token", "bot_token", "MY_TOKEN",
     "HTTPAuthToken", "APIKey", "X-Api-Key", "apikey", "webhook_url", "use_auth_token", "DB_PASS",
     "openai_key", "SECRETKEY", "oauthToken", "access_tokens", "session_cookie", "proxy_auth"],
)  # fmt: skip
def test_names_of_secrets(name):
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    ["tokens", "max_tokens", "pad_token", "eos_token", "tokenizer", "num_tokens", "key", "text_key",
     "text_keys", "key_remapping", "keyword", "monkey", "predicted_value_key", "token_ids", "lr",
     "image_token", "special_token", "tokens_per_second", "author", "passes", "PAD_TOKEN",
     "hf_tokenizer", "token_num_filter", "secret_replacement", "answer_token", "think_token",
     "mask_secrets", "encryption_key_path", "secret_key_name", "token_type", "secretary",
     "credentials_file", "eos_token_id", "first_pass", "password_field", "hf_token_path"],
)  # fmt: skip
def test_names_that_only_look_like_it(name):
    assert not is_secret_name(name)


def test_settings_are_masked_at_every_depth():
    settings = {"a": [{"api_key": "k1", "n": 1}], "b": {"password": {"x": "deep", "y": [1]}}}
    assert mask(settings) == {"a": [{"api_key": "***", "n": 1}], "b": {"password": "***"}}


def test_a_secret_is_masked_wherever_it_stands():
    masker = Masker.of({"api_key": "sk-abcdef123", "note": "use sk-abcdef123 here"})
    assert masker.value({"note": "use sk-abcdef123 here"}) == {"note": "use *** here"}
    assert masker.text("Bearer sk-abcdef123\n") == "Bearer ***\n"


def test_secrets_of_the_environment_are_known(monkeypatch):
    monkeypatch.setenv("SOME_SERVICE_TOKEN", "t0psecret-value")
    monkeypatch.setenv("SOME_NAME", "harmless-value")
    assert mask({"x": "t0psecret-value harmless-value"}) == {"x": "*** harmless-value"}


def test_a_longer_secret_is_masked_whole():
    assert Masker(["abcdef", "abcdefghi"]).text("abcdefghi") == "***"


def test_short_values_and_empty_ones_mask_no_text():
    settings = {"password": "on", "token": None, "api_key": "", "use_api_key": True, "text": "on"}
    assert mask(settings) == {**settings, "password": "***"}


def test_passwords_in_urls():
    assert mask({"url": "postgres://me:pa55@host/db"}) == {"url": "postgres://me:***@host/db"}
    assert mask({"url": "https://host:8080/a@b"}) == {"url": "https://host:8080/a@b"}
    assert mask({"url": "git+https://ghp_1234@host/a"}) == {"url": "git+https://***@host/a"}
    for plain in ("ssh://deploying@host/a", "https://me@host/a", "https://host/a?b=long@c"):
        assert mask({"url": plain}) == {"url": plain}


def test_overrides_are_keyed_by_dotted_names():
    assert mask({"local": {"extra_configs.api_key": "abc"}}) == {
        "local": {"extra_configs.api_key": "***"}
    }


def test_what_is_no_secret_stays_as_it_is():
    settings = {"lr": 0.1, "n": None, "list": [1, "a", True], "nested": {"pad_token": "<pad>"}}
    assert mask(settings) == settings


def test_the_working_folder_is_no_password(monkeypatch, tmp_path):
    monkeypatch.setenv("PWD", "/home/somebody/lab")
    monkeypatch.setenv("OLDPWD", "/home/somebody")
    monkeypatch.setenv("SECRETS_FOLDER", str(tmp_path))
    settings = {"path": "/home/somebody/lab/x", "other": f"{tmp_path}/y"}
    assert mask(settings) == settings


def test_the_environment_may_change_meanwhile(monkeypatch):
    """Another thread removes a variable while the others are read."""
    monkeypatch.setenv("A_FLEETING_TOKEN", "fleeting-value")
    get = os.environ.get

    def remove_and_get(name, default=None):
        os.environ.pop("A_FLEETING_TOKEN", None)
        return get(name, default)

    monkeypatch.setattr(os.environ, "get", remove_and_get)
    assert mask({"x": "text"}) == {"x": "text"}


# -- long texts ------------------------------------------------------------------------------------

SLOW = re.compile(
    r"(?P<start>[a-zA-Z][\w+.-]*://[^/\s:@]*:)[^/\s@]+(?=@)|(?P<address>https?://)[^/\s:@]{6,}(?=@)"
)
"""The same in one expression, which takes minutes for a line of 300 kB."""
PIECES = [
    "http",
    "https",
    "git+https",
    "s3",
    "://",
    "/",
    ":",
    "@",
    "name",
    "secret",
    " ",
    "\n",
    "é",
    "-",
]


@given(st.lists(st.sampled_from(PIECES) | st.characters(), max_size=30).map("".join))
def test_addresses_are_found_in_any_text(text):
    expected = SLOW.sub(lambda found: (found["start"] or found["address"]) + "***", text)
    assert Masker().text(text) == expected


@pytest.mark.timeout(60)  # it takes a second; with backtracking, hours
@pytest.mark.parametrize(
    "alphabet", ["a", "aB9-", "://", "a://", "a:", "@", "x@", "http://", "é", "="]
)
@pytest.mark.parametrize("end", ["", "@host", "://me:password@host", " "])
def test_a_long_line_is_masked_in_one_pass(alphabet, end):
    text = "https://me:password@host/" + alphabet * (300_000 // len(alphabet)) + end
    masker = Masker(["abcdef", "s3cret-value"])
    masked = masker.text(text + " s3cret-value")
    assert masked.startswith("https://me:***@host/")
    assert masked.endswith(" ***")
