"""login, logout, whoami, config: profiles, keys and files."""

import os
import stat

import httpx
import pytest

from alga.state.config import LOCAL_SETTINGS
from tests.conftest import Strict
from tests.support import Desk, answering, joined


def fresh(strict: Strict) -> Desk:
    """A desk on the strict server that has not logged in."""
    return Desk(strict.desk.home.parent / "fresh", strict.desk.clock)


def login(strict: Strict, desk: Desk, *args: str, role: str = "technician") -> str:
    result = desk("login", strict.url, "--key-stdin", *args, typed=strict.app.key_of(role) + "\n", columns=200)
    assert result.code == 0, result
    return result.out


def test_login_says_what_it_learnt_and_what_to_type_next(strict: Strict) -> None:
    desk = fresh(strict)
    text = login(strict, desk, "--profile", "acme").splitlines()
    assert text[0].startswith(f"Logged in to {strict.url} as ")
    assert text[0].endswith("(profile acme).")
    assert text[1].startswith("Timers: alga keeps the clock on this computer (lap7). AlgaPSA gets")
    assert text[2] == "Services: your role may not list them; 3 known from recent entries."
    assert text[3] == "Next: alga tickets, then alga start TIC1042"
    assert desk.ok("whoami", "--json").json["profile"] == "acme", "the first login is the default"
    assert "Services: 3. Choose a service with -s" in login(strict, desk, "--profile", "boss", role="admin")
    assert desk.ok("whoami", "--json").json["profile"] == "acme"
    assert desk.ok("whoami", "--json", "--profile", "boss").json["profile"] == "boss"


def test_the_config_file_is_private_and_the_key_is_shown_nowhere(strict: Strict) -> None:
    desk, key = fresh(strict), strict.app.key_of("technician")
    text = login(strict, desk, "--profile", "acme")
    path = desk.home / "config" / "config.toml"
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(path.parent).st_mode) == 0o700
    commands = [["whoami"], ["config", "list"], ["config", "list", "--json"], [], ["list"], ["status", "--json"]]
    shown = text + "".join(result.out + result.err for result in (desk(*command) for command in commands))
    assert key not in shown
    assert not [
        file for file in desk.home.rglob("*") if file.is_file() and file != path and key.encode() in file.read_bytes()
    ]


def test_a_wrong_key_is_checked_before_anything_is_saved(strict: Strict) -> None:
    desk = fresh(strict)
    refused = desk("login", strict.url, "--key-stdin", "--profile", "acme", typed="0" * 64 + "\n")
    assert refused.code == 4
    assert "refused the key of profile acme" in joined(refused.err)
    assert not (desk.home / "config" / "config.toml").exists()


@pytest.mark.parametrize("key", ["", "\n", "with blank inside\n", "k\x1b[31mey\n", "ключ\n"])
def test_what_cannot_be_a_key_is_not_sent(desk: Desk, key: str) -> None:
    refused = desk("login", "http://127.0.0.1:9", "--key-stdin", typed=key)
    assert refused.code == 3
    assert "empty or contains invalid characters" in joined(refused.err)
    assert not key.strip() or key.strip() not in refused.err


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://psa.example.test", "over http would send the key unencrypted"),
        ("ftp://psa.example.test", "not the address of a server"),
        ("https://user:secret@psa.example.test", "not the address of a server"),
        ("https://", "not the address of a server"),
    ],
)
def test_the_address_must_be_https_or_this_computer(desk: Desk, url: str, told: str) -> None:
    refused = desk("login", url, "--key-stdin", typed="k" * 64 + "\n")
    assert refused.code == 3
    assert told in joined(refused.err)


def test_a_name_taken_by_another_server_is_not_overwritten(strict: Strict) -> None:
    desk = fresh(strict)
    login(strict, desk, "--profile", "acme")
    refused = desk("login", "https://other.example.test", "--profile", "acme", "--key-stdin", typed="k" * 64)
    assert refused.code == 2
    assert f"Profile acme is already used for {strict.url}. Nothing was changed." in joined(refused.err)
    assert desk("login", strict.url, "--profile", "local", "--key-stdin", typed="k" * 64).code == 2


def test_a_key_is_not_asked_for_without_a_terminal(desk: Desk) -> None:
    refused = desk("login", tty=False)
    assert refused.code == 2
    assert "alga login --key-stdin" in refused.err


def test_logout_forgets_the_key(strict: Strict) -> None:
    desk = fresh(strict)
    login(strict, desk, "--profile", "acme")
    desk.ok("start", "TIC1042", "-s", "basic", "-m", "x")
    asked = desk("logout", typed="\n")
    assert "These operations wait for this key and are not on the server yet: TIC1042. Log out anyway? [y/N]" in joined(
        asked.err
    )
    assert asked.out == "Still logged in.\n"
    assert "profile acme and its key are gone" in desk.ok("logout", "--yes").out
    assert "key" not in (desk.home / "config" / "config.toml").read_text()
    assert desk("logout").code == 3


def test_a_profile_that_does_not_exist_is_an_error_never_a_fallback(desk: Desk) -> None:
    for given in ([*("--profile", "nope"), "list"], ["list", "--profile", "nope"]):
        refused = desk(*given)
        assert refused.code == 3
        assert "Unknown profile 'nope'." in refused.err
        assert "alga login --profile nope" in joined(refused.err)
    desk.env = {"ALGA_PROFILE": "nope"}
    assert desk("list").code == 3
    assert not (desk.home / "data").exists(), "nothing went to the practice data"


def test_the_order_in_which_a_server_is_chosen(strict: Strict) -> None:
    desk = fresh(strict)
    login(strict, desk, "--profile", "acme")
    desk.env = {"ALGA_API_KEY": strict.app.key_of("admin"), "ALGA_URL": strict.url}
    assert desk.ok("whoami", "--json").json["profile"] == "env"
    assert desk.ok("whoami", "--json", "--profile", "acme").json["profile"] == "acme"
    desk.env["ALGA_PROFILE"] = "local"
    assert desk.ok("whoami", "--json").json["profile"] == "local"
    assert Desk(desk.home, desk.clock, env={"ALGA_API_KEY": "k" * 64}, transport=answering(500))("list").code == 7


@pytest.mark.parametrize("env", [{"ALGA_API_KEY": ""}, {"ALGA_URL": "https://psa.example.test"}])
def test_a_script_that_lost_its_key_does_not_use_practice_data(desk: Desk, env: dict[str, str]) -> None:
    desk.env = env
    refused = desk("log", "tk_1", "8:00-8:30", "-m", "x", tty=False)
    assert (refused.code, "ALGA_API_KEY holds no key" in refused.err) == (3, True)
    assert desk.ok("list", "--profile", "local", "--json").json == []


def test_config_get_set_list_and_path(desk: Desk) -> None:
    path = desk.home / "config" / "config.toml"
    assert desk.ok("config", "path").out == f"{path}\n"
    assert desk.ok("config", "set", "service", "Basic Support").out == "service is now Basic Support (profile local).\n"
    assert desk.ok("config", "get", "service").out == "Basic Support\n"
    assert [line.split()[0] for line in desk.ok("config", "list", tty=False).out.splitlines()[3:]] == [*LOCAL_SETTINGS]
    assert "no longer set" in desk.ok("config", "set", "service", "").out
    assert desk.ok("config", "get", "service").out == ""
    for wrong in (["timer", "moon"], ["nope", "1"], ["allow_http", "perhaps"]):
        refused = desk("config", "set", *wrong)
        assert refused.code == 2, refused


def test_a_persons_comments_in_the_config_file_stay(desk: Desk) -> None:
    path = desk.home / "config" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text('# mine\n[profiles.local]\nservice = "A"  # the usual\n')
    desk.ok("config", "set", "service", "B")
    assert path.read_text() == '# mine\n[profiles.local]\nservice = "B"  # the usual\n'


def test_a_config_file_that_is_a_link_stays_one(desk: Desk) -> None:
    path, elsewhere = desk.home / "config" / "config.toml", desk.home / "dotfiles.toml"
    path.parent.mkdir(parents=True)
    elsewhere.write_text("")
    path.symlink_to(elsewhere)
    desk.ok("config", "set", "service", "B")
    assert path.is_symlink()
    assert "B" in elsewhere.read_text()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[profiles.acme\n", "line 1: Expected ']'"),
        ('default = "acme"\n[profiles.acme]\nurl = https\n', "line 3: Invalid value"),
        ("default = 3\n", "line 1: default must be a profile's name"),
        ("[profiles]\nacme = 1\n", "line 2: profile acme must be a table"),
        ('[profiles.acme]\nurl = "https://a.test"\nkey = 5\n', "line 3: key must be text in quotes"),
        ('[profiles.local]\ntimer = "moon"\n', "line 2: timer must be one of auto, server, local"),
        ('default = "acme"\n[profiles.acme]\nurl = "https://a.test"\n', "Profile 'acme' has no key."),
        ('default = "acme"\n', "Unknown profile 'acme'."),
    ],
)
def test_a_broken_config_file_is_told_with_its_line_and_left_alone(desk: Desk, text: str, told: str) -> None:
    path = desk.home / "config" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    for command in (["list"], ["status"], ["config", "set", "service", "B"], ["start", "tk_1"]):
        refused = desk(*command, columns=300)
        assert refused.code == 3, (command, refused)
        assert told in refused.err
    assert path.read_text() == text


def test_the_tenant_is_sent_and_no_redirect_is_followed(desk: Desk) -> None:
    requests: list[httpx.Request] = []

    def redirect(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(307, headers={"Location": "https://evil.example.test/"})

    desk.env = {"ALGA_API_KEY": "k" * 64, "ALGA_URL": "https://psa.example.test/api/v1/"}
    desk.ok("config", "set", "tenant", "a7ed5a69-6061-4fce-9514-2184d7aa2323")
    desk.transport = httpx.MockTransport(redirect)
    refused = desk("list", "--everyone")
    assert refused.code == 7
    assert "redirects to another address, where alga does not send the key." in joined(refused.err)
    assert {request.url.host for request in requests} == {"psa.example.test"}
    assert requests[0].headers["x-tenant-id"] == "a7ed5a69-6061-4fce-9514-2184d7aa2323"
    assert requests[0].url.path == "/api/v1/time-entries"
