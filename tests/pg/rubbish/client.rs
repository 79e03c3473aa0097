//! What a run does with a connection: everything that our processes do.

use super::server::Server;
use crate::harness::Chance;
use bucardo::error::{Error, Kind, Result};
use bucardo::pg::conninfo::{ChannelBinding, SessionAttrs, SslMode, Tls};
use bucardo::pg::{ConnInfo, Connection, Secret, wait};
use std::io::{BufRead, Write};
use std::time::Duration;

/// The kind of its end, and the beginning of the sentence.
pub fn run(seed: u64, server: &Server) -> String {
    let mut chance = Chance::seeded(seed);
    let info = info(&mut chance, server);
    let outcome = Connection::open_replicated(&info).and_then(|mut conn| {
        (0..=chance.below(3)).try_for_each(|_| step(&mut conn, &mut chance))?;
        Ok(())
    });
    match outcome {
        Ok(()) => "all well".to_owned(),
        Err(error) => told(&error),
    }
}

/// Numbers and names are left out, so that equal ends are counted together.
fn told(error: &Error) -> String {
    let sentence = error.to_string();
    assert!(!sentence.contains("ended without an answer"), "the thread that connects panics");
    let sentence = sentence.split_once("as user \"u\": ").map_or(sentence.as_str(), |(_, reason)| reason);
    let plain: String = sentence.chars().filter(|c| c.is_ascii_alphabetic() || " :\"_".contains(*c)).take(70).collect();
    format!("{:?} {plain}", error.kind())
}

/// How many kinds of questions there are.
pub const QUESTIONS: usize = 4;

/// Asks one thing; how that ends.
pub fn ask(server: &Server, question: usize) -> String {
    let tls = Tls { mode: SslMode::Disable, ..Tls::default() };
    let (dbname, user) = ("d".to_owned(), "u".to_owned());
    let info = ConnInfo { host: "127.0.0.1".to_owned(), port: server.port(), dbname, user, tls, ..ConnInfo::default() };
    let asked = Connection::open(&info).and_then(|mut conn| match question {
        0 => conn.first_column("select x").map(|rows| rows.len()),
        1 => conn.batch("select x").map(|()| 0),
        2 => Ok(conn.query("select x", &[])?.len()),
        _ => conn.drain_notifications().map(|found| found.len()),
    });
    match asked {
        Ok(_) => "all well".to_owned(),
        Err(error) => told(&error),
    }
}

fn info(chance: &mut Chance, server: &Server) -> ConnInfo {
    let local = chance.below(3) == 0;
    let mode = chance.pick(&[SslMode::Disable, SslMode::Allow, SslMode::Prefer, SslMode::Prefer, SslMode::Require]);
    let parts = |text: &str| bucardo::pg::conninfo::Parts { dbconn: Some(text.to_owned()), ..Default::default() };
    let required = chance.pick(&["", "", "", "require_auth=scram-sha-256", "require_auth=!password,!md5"]);
    ConnInfo {
        host: if local { server.directory().display().to_string() } else { "127.0.0.1".to_owned() },
        port: server.port(),
        dbname: "d".to_owned(),
        user: "u".to_owned(),
        password: Some(Secret::new("secret")).filter(|_| chance.below(5) > 0),
        connect_timeout: 1,
        channel_binding: chance.pick(&[ChannelBinding::Disable, ChannelBinding::Prefer, ChannelBinding::Prefer]),
        target_session_attrs: chance.pick(&[SessionAttrs::Any, SessionAttrs::Any, SessionAttrs::ReadWrite]),
        require_auth: parts(&format!("user=u {required}")).resolve().unwrap().require_auth,
        tls: Tls { mode, ..Tls::default() },
        ..ConnInfo::default()
    }
}

/// One of the things that are done with a session.
fn step(conn: &mut Connection, chance: &mut Chance) -> Result<()> {
    match chance.below(9) {
        0 => conn.first_column("select 1").map(drop),
        1 => conn.batch("select 1"),
        2 => {
            for row in conn.query("select $1::int4", &[&1_i32])? {
                row.try_get::<_, i32>(0)?;
            }
            Ok(())
        }
        3 => Ok(conn.query_opt("select 1", &[]).map(drop)?),
        4 => Ok(conn.execute("delete from t", &[]).map(drop)?),
        5 => conn.prepare_cached("select 1").map(drop),
        6 => {
            let mut reader = conn.copy_out("copy t to stdout")?;
            for _ in 0..10_000 {
                let length = reader.fill_buf().map_err(lost)?.len();
                if length == 0 {
                    break;
                }
                reader.consume(length);
            }
            Ok(())
        }
        7 => {
            let mut writer = conn.copy_in("copy t from stdin")?;
            for _ in 0..chance.below(200) {
                writer.write_all(&[b'x'; 1000]).map_err(lost)?;
            }
            writer.finish()?;
            Ok(())
        }
        _ => {
            wait(&[conn.fd()], Some(Duration::from_millis(20)))?;
            conn.drain_notifications()?;
            conn.canceller().cancel()
        }
    }
}

fn lost(error: std::io::Error) -> Error {
    Error::new(Kind::Lost, error.to_string())
}
