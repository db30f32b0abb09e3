import base64
import html
import json
import os
import re
import shlex
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from djsb_core.masking import Masker, is_secret_name, mask
from djsb_core.secret_shapes import address_spans, merged, rendered


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


@pytest.mark.parametrize(
    "secret",
    [
        "s3cret-value/+ &",
        "line one of it\nline two of it\n",
        "quo'te\"d ünï",
        "p%ss: {w}",
        "918273645",
    ],
)
def test_each_form_of_a_known_secret(secret):
    in_json = json.dumps(secret)
    forms = [
        secret, repr(secret), repr([secret]), repr({"a": {"b": secret}}), in_json,
        json.dumps({"a": secret}), json.dumps(in_json), json.dumps(secret, ensure_ascii=False),
        quote(secret), quote(secret, safe=""), quote_plus(secret), urlencode({"a": secret}),
        repr(secret.encode()), html.escape(secret), shlex.quote(secret), secret.encode().hex(),
        *(base64.b64encode(f"{user}:{secret}".encode()).decode() for user in ("a", "ab", "abc")),
        base64.urlsafe_b64encode(secret.encode()).decode(),
    ]  # fmt: skip
    masker = Masker([secret])
    for form in forms:
        masked = masker.text(f"<<{form}>>")
        assert "***" in masked
        for part in (secret, form, *(line for line in secret.split() if len(line) > 7)):
            assert part not in masked, form


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("GET /x?token=abc&b=1 HTTP", "GET /x?token=***&b=1 HTTP"),
        ("https://h/x?a=1&sig=Ab%2F+=&se=2", "https://h/x?a=1&sig=***&se=2"),
        ("a?key=AIzaX&x-amz-signature=00ff", "a?key=***&x-amz-signature=***"),
        ("Authorization: Bearer abc.def-1", "Authorization: Bearer ***"),
        ("{'Authorization': 'Basic dTpw'}", "{'Authorization': 'Basic ***'}"),
        ("sent Bearer abcdefgh12345678 to it", "sent Bearer *** to it"),
        ("X_API_KEY=abc", "X_API_KEY=***"),
        ("export DB_PASSWORD='a b'; run", "export DB_PASSWORD='***'; run"),
        ("x: {name: X_API_KEY, value: abc}", "x: {name: X_API_KEY, value: ***}"),
        ("- name: X_API_KEY\n  value: abc", "- name: X_API_KEY\n  value: ***"),
        ('{"name": "X_API_KEY", "value": "a\\"b"}', '{"name": "X_API_KEY", "value": "***"}'),
        ("machine h login u password p", "machine h login u password ***"),
        ("machine h\n  login u\n  password p\n", "machine h\n  login u\n  password ***\n"),
        ('x {"api_key": "a\\"b", "n": 1}', 'x {"api_key": "***", "n": 1}'),
        (r'"{\"api_key\": \"a\", \"n\": 1}"', r'"{\"api_key\": \"***\", \"n\": 1}"'),
        ("Config(api_key='abc', lr=1)", "Config(api_key='***', lr=1)"),
        ("run --api-key abc --lr 1", "run --api-key *** --lr 1"),
        ("['--password', 'abc']", "['--password', '***']"),
        ("<password>abc</password>", "<password>***</password>"),
        ("Cookie: a=b; c=d\nnext", "Cookie: ***\nnext"),
        ("password: hunter", "password: ***"),
        ("login failed, password: swordfish", "login failed, password: ***"),
        ("{'password': {'a': 'x', 'b': [1]}, 'c': 2}", "{'password': ***, 'c': 2}"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nabc=\n-----END RSA PRIVATE KEY-----\nx",
            "-----BEGIN RSA PRIVATE KEY-----***-----END RSA PRIVATE KEY-----\nx",
        ),
    ],
)
def test_shapes_of_unknown_secrets(text, masked):
    assert Masker().text(text) == masked
    assert Masker().text(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "api_key: null, password: None, token=",
        "extra_configs.access_token: should be a valid integer",
        "unknown token: expected one of those",
        "KeyError: 'password'",
        "    model = load(api_key=self.api_key, token = os.environ['X'])",
        "if token == 5: max_tokens=5, pad_token=<pad>, tokens: 7",
        "password: ${oc.env:PASSWORD}",
        "the bearer of basic knowledge",
        "https://host/path?page=2&sort=name#top",
        "50%|#####     | 5/10 [00:01<00:01,  4.5it/s]",
        "2026-01-01 12:00:00,000 INFO step=5 loss=0.25 lr=1e-4",
        "-----BEGIN CERTIFICATE-----\nabc=\n-----END CERTIFICATE-----",
    ],
)
def test_what_only_looks_like_a_shape(text):
    assert Masker().text(text) == text


def test_a_setting_that_names_its_value():
    setting = {"env": [{"name": "X_API_KEY", "value": "abc"}, {"name": "LR", "value": "0.1"}]}
    masked = {"env": [{"name": "X_API_KEY", "value": "***"}, {"name": "LR", "value": "0.1"}]}
    assert mask(setting) == masked
    known = {"env": [{"key": "X_TOKEN", "value": "abcdefg"}], "text": "use abcdefg"}
    assert mask(known)["text"] == "use ***"


def test_keys_are_masked_and_stay_apart():
    masker = Masker(["s3cret-value"])
    assert masker.value({"s3cret-value": 1, "a s3cret-value": 2, "***": 3}) == {
        "***": 1,
        "a ***": 2,
        "*** (2)": 3,
    }


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
    assert rendered(text, merged(address_spans(text)), "***") == expected


ALPHABETS = ["a", "aB9-", "://", "a://", "a:", "@", "x@", "http://", "é", "="]
SHAPES = [
    "a=", "token=", "token: ", "\\", '"', "'", '\\"', "{", "password: {", '"token": "', "token='",
    'token="\\', "?", "&sig=", "Bearer ", "<token>", "name: token, value: ", "--token ", "login a ",
    "eyJaaaaaaaaaaa.", "-", "-----BEGIN ", "-----BEGIN PRIVATE KEY-----", "_", ".",
    "-----BEGIN PRIVATE KEY-----abc=\n", "czNjcmV0LXZhbHVl", "s3cret-valu",
]  # fmt: skip


@pytest.mark.timeout(60)  # it takes a second; with backtracking, hours
@pytest.mark.parametrize(
    ("alphabet", "end"),
    [(letters, end) for letters in ALPHABETS for end in ("", "@host", "://me:password@host", " ")]
    + [(letters, "") for letters in SHAPES],
)
def test_a_long_line_is_masked_in_one_pass(alphabet, end):
    text = "https://me:password@host/" + alphabet * (300_000 // len(alphabet)) + end
    masker = Masker(["abcdef", "s3cret-value"])
    masked = masker.text(text + " s3cret-value")
    assert masked.startswith("https://me:***@")
    assert "s3cret-value" not in masked


@given(
    st.lists(
        st.sampled_from(
            ["token", "api_key", "password", "name", "value", "Bearer", "login", "machine", "a",
             "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "https://", "***", "\n",
             " ", ":", "=", '"', "'", "\\", "{", "}", ",", "?", "&", "@", "<", ">", "abc123"]
        )
        | st.characters(),
        max_size=25,
    ).map("".join)
)  # fmt: skip
def test_known_secrets_never_get_past_the_shapes(text):
    masker = Masker(["s3cret-value"])
    for whole in (f"{text}s3cret-value", f"s3cret-value{text}", f"{text} s3cret-value {text}"):
        assert "s3cret-value" not in masker.text(whole)
