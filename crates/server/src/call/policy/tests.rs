//! Tables: settings × address → judgement.

use super::*;

fn settings(text: &str) -> Policy {
    let mut policy = Policy::default();
    for (key, value) in text.split_whitespace().map(|part| part.split_once('=').unwrap()) {
        match key {
            "host" => policy.allow_hosts.push(value.parse().unwrap()),
            "port" => policy.allow_ports.push(value.parse().unwrap()),
            "allow" => policy.allow_cidrs.push(value.parse().unwrap()),
            "deny" => policy.deny_cidrs.push(value.parse().unwrap()),
            "loopback" => policy.loopback = Loopback::Allowed,
            _ => panic!("{key}"),
        }
    }
    policy
}

fn judged(policy: &Policy, host: &str, ip: &str) -> String {
    let address = SocketAddr::new(ip.parse().unwrap(), 443);
    policy.judge(host, address).err().unwrap_or_else(|| "allowed".to_owned())
}

#[test]
fn by_default_only_public_addresses_may_be_called() {
    let cases = [
        (
            "a public address",
            "1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 93.184.216.34 100.63.255.255 100.128.0.0",
        ),
        (
            "a public address",
            "126.255.255.255 128.0.0.0 172.15.255.255 172.32.0.0 192.167.255.255 192.169.0.0",
        ),
        (
            "a public address",
            "198.17.255.255 198.20.0.0 223.255.255.255 2606:4700::1111 2a00:1450::1 2001:4860::8888",
        ),
        (
            "a public address",
            "::ffff:8.8.8.8 ::8.8.8.8 64:ff9b::808:808 2002:808:808::1 2001:0:1:2:3:4:f7f7:f7f7",
        ),
        ("a private address", "10.0.0.0 10.0.0.8 10.255.255.255 172.16.0.1 172.31.255.255 192.168.0.1"),
        ("a private address", "fc00::1 fd12:3456::1 fdff:ffff::1 fec0::1 ::ffff:10.0.0.8 ::ffff:192.168.1.1"),
        (
            "a private address",
            "::10.0.0.8 64:ff9b::a00:8 2002:a00:8::1 2002:c0a8:101::1 2001:0:1:2:3:4:f5ff:fff7",
        ),
        ("an address shared by a carrier's customers", "100.64.0.0 100.127.255.255"),
        (
            "a loopback address",
            "127.0.0.1 127.255.255.254 ::1 ::ffff:127.0.0.1 ::127.0.0.1 64:ff9b::7f00:1 2002:7f00:1::",
        ),
        ("a link-local address", "169.254.0.1 169.254.170.2 fe80::1 febf::1 ::ffff:169.254.1.1"),
        (
            "a cloud's metadata address",
            "169.254.169.254 100.100.100.200 192.0.0.192 168.63.129.16 fd00:ec2::254",
        ),
        (
            "a cloud's metadata address",
            "::ffff:169.254.169.254 64:ff9b::a9fe:a9fe 2002:a9fe:a9fe::1 ::169.254.169.254",
        ),
        ("an unspecified address", "0.0.0.0 0.1.2.3 :: ::ffff:0.0.0.0"),
        ("a multicast address", "224.0.0.1 239.255.255.255 ff02::1 ff0e::1"),
        ("the broadcast address", "255.255.255.255"),
        ("a documentation address", "192.0.2.1 198.51.100.7 203.0.113.9 2001:db8::1 3fff::1"),
        ("a benchmarking address", "198.18.0.1 198.19.255.255 2001:2::1"),
        (
            "a reserved address",
            "240.0.0.1 255.255.255.254 192.0.0.1 192.88.99.1 100::1 64:ff9b:1::808:808 4000::1 5f00::1",
        ),
    ];
    let policy = Policy::default();
    for (words, addresses) in cases {
        for ip in addresses.split(' ') {
            let verdict = judged(&policy, "stock.example", ip);
            let is_public = words == "a public address";
            let expected = if is_public { "allowed" } else { words };
            assert!(verdict.ends_with(expected), "{ip}: {verdict}, not {expected}");
        }
    }
}

#[test]
fn settings_open_and_close() {
    let private = "10.0.0.8 is a private address";
    let loopback = "127.0.0.1 is a loopback address";
    let metadata = "169.254.169.254 is a cloud's metadata address";
    let unlisted = "8.8.8.8 is not among the allowed hosts and networks";
    let cases = [
        ("loopback=yes", "x", "127.0.0.1", "allowed"),
        ("loopback=yes", "x", "::1", "allowed"),
        ("loopback=yes", "x", "::ffff:127.0.0.1", "allowed"),
        ("loopback=yes", "x", "64:ff9b::7f00:1", "64:ff9b::7f00:1 is a loopback address"),
        ("loopback=yes", "x", "10.0.0.8", private),
        ("loopback=yes", "x", "8.8.8.8", "allowed"),
        ("loopback=yes deny=127.0.0.0/8", "x", "127.0.0.1", "127.0.0.1 is in 127.0.0.0/8, which is denied"),
        ("loopback=yes host=stock.example", "x", "127.0.0.1", "allowed"),
        ("host=stock.example", "stock.example", "8.8.8.8", "allowed"),
        ("host=stock.example", "STOCK.example.", "8.8.8.8", "allowed"),
        ("host=stock.example", "a.stock.example", "8.8.8.8", unlisted),
        ("host=stock.example", "stock.example", "10.0.0.8", "allowed"),
        ("host=stock.example", "stock.example", "127.0.0.1", "allowed"),
        ("host=stock.example", "stock.example", "169.254.169.254", metadata),
        ("host=stock.example", "stock.example", "64:ff9b::a00:8", "64:ff9b::a00:8 is a private address"),
        ("host=*.shop.example", "a.shop.example", "10.0.0.8", "allowed"),
        ("host=*.shop.example", "a.b.shop.example", "8.8.8.8", "allowed"),
        ("host=*.shop.example", "shop.example", "8.8.8.8", unlisted),
        ("host=*.shop.example", "evilshop.example", "8.8.8.8", unlisted),
        ("host=*.shop.example", "a.shop.example", "127.0.0.1", loopback),
        ("host=*.shop.example", "a.shop.example", "169.254.169.254", metadata),
        ("host=169.254.169.254", "anything", "169.254.169.254", "allowed"),
        ("host=[::1]", "::1", "::1", "allowed"),
        ("allow=10.0.0.0/8", "x", "10.0.0.8", "allowed"),
        ("allow=10.0.0.0/8", "x", "::ffff:10.0.0.8", "allowed"),
        ("allow=::ffff:10.0.0.0/104", "x", "10.0.0.8", "allowed"),
        ("allow=10.0.0.0/8", "x", "64:ff9b::a00:8", "64:ff9b::a00:8 is a private address"),
        ("allow=64:ff9b::/96", "x", "64:ff9b::a00:8", "allowed"),
        ("allow=10.0.0.0/8", "x", "8.8.8.8", unlisted),
        ("allow=0.0.0.0/0", "x", "169.254.169.254", "allowed"),
        ("allow=10.0.0.0/8 deny=10.0.0.8", "x", "10.0.0.8", "10.0.0.8 is in 10.0.0.8/32, which is denied"),
        ("host=x deny=8.0.0.0/8", "x", "2002:808:808::1", "2002:808:808::1 is in 8.0.0.0/8, which is denied"),
        ("port=443", "x", "8.8.8.8", "allowed"),
        ("port=80 port=8443", "x", "8.8.8.8", "port 443 is not allowed"),
    ];
    for (text, host, ip, expected) in cases {
        assert_eq!(judged(&settings(text), host, ip), expected, "{text}, {host} at {ip}");
    }
}

#[test]
fn a_url_is_judged_as_far_as_it_tells() {
    let cases = [
        ("", "http://stock.example/try", "allowed"),
        ("", "https://8.8.8.8/try", "allowed"),
        ("", "http://127.0.0.1:7001/try", "127.0.0.1 is a loopback address"),
        ("", "http://127.1/", "127.0.0.1 is a loopback address"),
        ("", "http://0x7f000001/", "127.0.0.1 is a loopback address"),
        ("", "http://2130706433/", "127.0.0.1 is a loopback address"),
        ("", "http://017700000001/", "127.0.0.1 is a loopback address"),
        ("", "http://[::1]/", "::1 is a loopback address"),
        ("", "http://[::ffff:a9fe:a9fe]/", "169.254.169.254 is a cloud's metadata address"),
        ("", "http://localhost:7001/", "127.0.0.1 is a loopback address"),
        ("", "http://a.LOCALHOST./", "127.0.0.1 is a loopback address"),
        ("", "http://stock.example:0/", "port 0 is not allowed"),
        ("loopback=yes", "http://localhost:7001/", "allowed"),
        ("host=localhost", "http://localhost:7001/", "allowed"),
        ("port=443", "http://stock.example/", "port 80 is not allowed"),
        ("port=443", "https://stock.example/", "allowed"),
        ("host=stock.example", "https://stock.example/", "allowed"),
        ("host=stock.example", "https://evil.example/", "evil.example is not among the allowed hosts"),
        ("allow=10.0.0.0/8", "https://anything.example/", "allowed"),
    ];
    for (text, url, expected) in cases {
        let verdict = settings(text).judge_url(&Url::parse(url).unwrap());
        assert_eq!(verdict.err().as_deref().unwrap_or("allowed"), expected, "{text}, {url}");
    }
}

#[test]
fn port_0_is_never_called() {
    let zero = SocketAddr::new("8.8.8.8".parse().unwrap(), 0);
    assert_eq!(settings("port=0").judge("x", zero), Err("port 0 is not allowed".to_owned()));
}

#[test]
fn what_is_no_rule_is_refused() {
    for text in
        ["10.0.0.0/33", "10.0.0.8/8", "::/129", "10.0.0.0/", "10.0.0.0/+8", "10/8", "x/8", "", "fc01::/7"]
    {
        assert!(text.parse::<Cidr>().is_err(), "{text}");
    }
    for text in ["", "*", "*.", "a..b", "http://a", "a:80", "a/b", "*.*.a", "a b", "a*.b"] {
        assert!(text.parse::<HostRule>().is_err(), "{text}");
    }
    for (text, shown) in [("10.0.0.0/8", "10.0.0.0/8"), ("fc00::/7", "fc00::/7"), ("::1", "::1/128")] {
        assert_eq!(text.parse::<Cidr>().unwrap().to_string(), shown);
    }
}
