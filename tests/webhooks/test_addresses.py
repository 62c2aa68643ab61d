"""Where a webhook may go, and where it must never go."""

from __future__ import annotations

import itertools

import pytest

from sintalk.webhooks import addresses, calling
from sintalk.webhooks.addresses import Refused, Target

GOOD = {
    "https://shop.example.com/hook": "https://shop.example.com/hook",
    "https://shop.example.com": "https://shop.example.com/",
    "HTTPS://Shop.Example.COM:443/Hook?a=1&b=%20": "https://shop.example.com/Hook?a=1&b=%20",
    "https://shop.example.com?a=1": "https://shop.example.com/?a=1",
    "https://pão.com.br/": "https://xn--po-sia.com.br/",
    "https://8.8.8.8/": "https://8.8.8.8/",
    "https://[2606:4700:4700:0::1111]/": "https://[2606:4700:4700::1111]/",
    "https://10.com/": "https://10.com/",
}

#: Each must be refused as it stands, before any name is looked up.
HOSTILE = """
http://shop.example.com/
ftp://shop.example.com/
file:///etc/passwd
gopher://127.0.0.1:6379/_FLUSHALL
javascript:alert(1)
//shop.example.com/
https:shop.example.com
https:/shop.example.com
https:///shop.example.com
https://
https://:443/
https://shop.example.com:0/
https://shop.example.com:22/
https://shop.example.com:6379/
https://shop.example.com:8443/
https://shop.example.com:65536/
https://shop.example.com:99999999/
https://shop.example.com:-1/
https://shop.example.com:443:443/
https://shop.example.com:/
https://user@shop.example.com/
https://user:password@shop.example.com/
https://shop.example.com@127.0.0.1/
https://127.0.0.1@shop.example.com/
https://shop.example.com:443@127.0.0.1/
https://shop.example.com\\@127.0.0.1/
https://127.0.0.1\\.shop.example.com/
https://shop.example.com#@127.0.0.1/
https://shop.example.com/#fragment
https://shop.example.com/ space
https://shop. example.com/
https://shop.example.com%00.evil.example/
https://%31%32%37.0.0.1/
https://127.0.0.1/
https://127.0.0.1:443/
https://127.1/
https://127.0.1/
https://127.255.255.254/
https://2130706433/
https://017700000001/
https://0177.0.0.1/
https://0177.0.0.01/
https://0x7f000001/
https://0x7f.0x0.0x0.0x1/
https://0x7f.1/
https://127.0.0.0x1/
https://0/
https://0.0.0.0/
https://0x0/
https://1/
https://127.0.0.1./
https://127.0.0.1.:443/
https://256.256.256.256/
https://1.2.3.4.5/
https://①②⑦.⓪.⓪.①/
https://127。0。0。1/
https://１２７.0.0.1/
https://10.0.0.1/
https://10.255.255.255/
https://172.16.0.1/
https://172.31.255.255/
https://192.168.0.1/
https://169.254.169.254/latest/meta-data/
https://169.254.170.2/v2/credentials
https://2852039166/
https://0xa9fea9fe/
https://0251.0376.0251.0376/
https://100.100.100.200/latest/meta-data/
https://168.63.129.16/
https://100.64.0.1/
https://192.0.0.192/
https://192.0.2.1/
https://192.88.99.1/
https://198.18.0.1/
https://198.51.100.1/
https://203.0.113.1/
https://224.0.0.1/
https://240.0.0.1/
https://255.255.255.255/
https://[::1]/
https://[::]/
https://[0:0:0:0:0:0:0:1]/
https://[::ffff:127.0.0.1]/
https://[::ffff:7f00:1]/
https://[::ffff:169.254.169.254]/
https://[::ffff:8.8.8.8]/
https://[::127.0.0.1]/
https://[64:ff9b::127.0.0.1]/
https://[64:ff9b::a9fe:a9fe]/
https://[64:ff9b:1::1]/
https://[2002:7f00:1::]/
https://[2002:a9fe:a9fe::]/
https://[2001:0:7f00:1::]/
https://[2001:db8::1]/
https://[fe80::1]/
https://[fe80::1%25eth0]/
https://[fe80::1%eth0]/
https://[fc00::1]/
https://[fd00:ec2::254]/
https://[fec0::1]/
https://[ff02::1]/
https://[100::1]/
https://[3fff::1]/
https://[::1/
https://::1/
https://[shop.example.com]/
https://[127.0.0.1]/
https://localhost/
https://LOCALHOST/
https://localhost./
https://app.localhost/
https://postgres/
https://metadata/
https://metadata.google.internal/computeMetadata/v1/
https://printer.local/
https://nas.home.arpa/
https://router.lan/
https://-shop.example.com/
https://shop..example.com/
https://.example.com/
https://shop_.example.com/
https://shop.example.com/ção
""".strip().splitlines()


@pytest.mark.parametrize("url", GOOD)
def test_a_public_address_is_kept_in_one_spelling(url):
    assert addresses.read(url).url == GOOD[url]
    assert addresses.read(GOOD[url]).url == GOOD[url]


@pytest.mark.parametrize("url", HOSTILE)
@pytest.mark.parametrize("character", ["", "\t", "\n", "\r", "\x00", "\u202e"])
def test_what_leads_elsewhere_is_refused(url, character):
    with pytest.raises(Refused):
        addresses.read(url + character)


def test_there_are_a_hundred_of_them():
    assert len(set(HOSTILE)) >= 100


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000/x", "http://localhost/", "https://[::1]:9443/", "http://127.8.9.1:81/"]
)
def test_loopback_only_where_the_operator_allows_it(url):
    with pytest.raises(Refused):
        addresses.read(url)
    assert addresses.read(url, allow_loopback=True).loopback


@pytest.mark.parametrize(
    "url",
    ["http://shop.example.com/", "https://10.0.0.1/", "http://0.0.0.0:80/", "https://[::ffff:127.0.0.1]/",
     "http://2130706433/", "https://shop.example.com:8443/", "https://169.254.169.254/"],
)  # fmt: skip
def test_leave_for_loopback_is_leave_for_nothing_else(url):
    with pytest.raises(Refused):
        addresses.read(url, allow_loopback=True)


def test_one_inner_address_among_public_ones_is_one_too_many():
    with pytest.raises(Refused):
        addresses.permitted(["8.8.8.8", "2606:4700:4700::1111", "10.0.0.7"], loopback=False)
    assert addresses.permitted(["8.8.8.8", "8.8.8.8", "2606:4700:4700::1111"], loopback=False) == [
        "8.8.8.8",
        "2606:4700:4700::1111",
    ]
    with pytest.raises(Refused):
        addresses.permitted([], loopback=False)


def test_localhost_that_resolves_to_the_network_is_refused_even_where_loopback_is_allowed():
    with pytest.raises(Refused):
        addresses.permitted(["127.0.0.1", "192.168.0.5"], loopback=True)


def test_a_nat64_address_is_judged_by_what_it_wraps():
    assert addresses.permitted(["64:ff9b::8.8.8.8"], loopback=False)
    with pytest.raises(Refused):
        addresses.permitted(["64:ff9b::10.0.0.1"], loopback=False)


def test_a_name_that_turns_inwards_after_the_check_is_not_followed(canary):
    """It was public when the endpoint was made; now it is the canary's, alone or behind a public one."""
    flips = itertools.cycle([["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["::1"], ["::ffff:127.0.0.1"]])
    target = addresses.read("https://shop.example.com/")
    inside = Target(target.scheme, target.host, canary.port, "/")
    for _ in range(1_000):
        answer = calling.post(inside, b"{}", {}, resolve=lambda host, port: next(flips))
        assert answer.error == "not_public"
    assert canary.visits == 0


def test_a_name_is_asked_for_once_a_call_so_that_the_second_answer_does_not_matter(canary):
    """Had the library looked the name up again by itself, it would have come out at the canary."""
    asked = []

    def flipping(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["8.8.8.8"]

    answer = calling.post(
        Target("http", "shop.example.com", canary.port, "/", True), b"{}", {}, resolve=flipping
    )
    assert asked == ["shop.example.com"] and canary.visits == 1
    assert answer.status_code == 200
    assert canary.hosts == [f"shop.example.com:{canary.port}"]
