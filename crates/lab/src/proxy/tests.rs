//! The proxy before an echo, and before the real servers by way of their own clients.

use std::io::{Read, Write};
use std::process::Command;

use super::*;
use crate::patience::until;
use crate::services::Private;

fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                let mut reading = stream.try_clone().unwrap();
                std::io::copy(&mut reading, &mut stream)
            });
        }
    });
    address
}

fn says(mut stream: &TcpStream, word: &[u8; 5]) -> bool {
    let mut back = [0; 5];
    stream.write_all(word).is_ok() && stream.read_exact(&mut back).is_ok() && back == *word
}

#[test]
fn bytes_pass_until_they_are_cut() {
    let proxy = Proxy::start(echo(), Protocol::Plain);
    let streams = [(); 2].map(|()| TcpStream::connect(proxy.address).unwrap());
    assert!(streams.iter().all(|stream| says(stream, b"hello")));
    proxy.cut_now();
    assert!(!streams.iter().any(|stream| says(stream, b"hello")));
    assert_eq!(proxy.cuts(), 2);
    // New ones pass, until none may.
    assert!(says(&TcpStream::connect(proxy.address).unwrap(), b"again"));
    proxy.cut_commits(Cut::Always, 1);
    assert!(!says(&TcpStream::connect(proxy.address).unwrap(), b"never"));
    proxy.pass();
    assert!(says(&TcpStream::connect(proxy.address).unwrap(), b"again"));
}

#[test]
fn the_end_of_one_side_reaches_the_other() {
    let proxy = Proxy::start(echo(), Protocol::Plain);
    let mut stream = TcpStream::connect(proxy.address).unwrap();
    stream.write_all(b"last words").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut back = String::new();
    stream.read_to_string(&mut back).unwrap();
    assert_eq!(back, "last words");
    assert_eq!(proxy.cuts(), 0);
}

#[test]
fn nobody_listens_when_it_is_dropped() {
    let proxy = Proxy::start(echo(), Protocol::Plain);
    let address = proxy.address;
    let stream = TcpStream::connect(address).unwrap();
    assert!(says(&stream, b"hello"));
    drop(proxy);
    assert!(!says(&stream, b"hello"));
    until("the listener closes", || TcpStream::connect(address).is_err().then_some(()));
}

/// Three transactions of one row each, the second of which the rule strikes: how many were told to be committed, and
/// the rows that are there.
fn second_of_three(cut: Cut, run: impl Fn(&str) -> Option<String>, proxy: &Proxy) -> (usize, String) {
    run("DELETE FROM rows_kept").unwrap();
    proxy.cut_commits(cut, 2);
    let told =
        (1..=3).filter(|n| run(&format!("BEGIN; INSERT INTO rows_kept VALUES ({n}); COMMIT")).is_some());
    let told = told.count();
    assert_eq!(proxy.commits(), 3);
    proxy.pass();
    (told, run("SELECT n FROM rows_kept ORDER BY n").unwrap().replace('\n', " "))
}

fn strikes(proxy: &Proxy, run: impl Fn(&str) -> Option<String>) {
    run("CREATE TABLE rows_kept (n int)").unwrap();
    assert_eq!(second_of_three(Cut::Never, &run, proxy), (3, "1 2 3 ".into()));
    assert_eq!(second_of_three(Cut::BeforeCommit, &run, proxy), (2, "1 3 ".into()));
    assert_eq!(proxy.cuts(), 1);
    assert_eq!(second_of_three(Cut::AfterCommit, &run, proxy), (2, "1 2 3 ".into()));
    assert_eq!(proxy.cuts(), 2);
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}

#[test]
fn commits_of_postgres_are_struck() {
    let server = Private::postgres();
    let proxy = Proxy::start(server.address(), Protocol::Postgres);
    let url = proxy.url(&server.url());
    strikes(&proxy, |sql| {
        // Each `-c` is a message of its own.
        let statements = sql.split("; ").flat_map(|statement| ["-c", statement]);
        output(
            "psql",
            &[&[url.as_str(), "-qAt", "-v", "ON_ERROR_STOP=1"], &statements.collect::<Vec<_>>()[..]].concat(),
        )
    });
}

#[test]
fn commits_of_mariadb_are_struck() {
    let server = Private::mariadb();
    let proxy = Proxy::start(server.address(), Protocol::MySql);
    let port = proxy.address.port().to_string();
    strikes(&proxy, |sql| {
        let at =
            ["--no-defaults", "--skip-ssl", "-h127.0.0.1", "-P", &port, "-utercet", "-ptercet", "tercet"];
        output("mariadb", &[&at[..], &["--skip-reconnect", "--skip-column-names", "-e", sql]].concat())
    });
}
