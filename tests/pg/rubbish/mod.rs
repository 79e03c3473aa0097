//! A server that sends rubbish, at each step of the protocol: before, during and after login,
//! encrypted and not. Whatever it sends, a connection ends with an error or goes on; nothing
//! panics, hangs, or takes memory without end.
//!
//! * `server`: the fake server. It knows enough of the protocol to be believed, and what it sends
//!   is spoilt at random.
//! * `messages`: messages as they should be, and the ways in which they are spoilt.
//! * `login`: the steps until a session stands, and lies on the way.
//! * `client`: what one run does with a connection.
//! * `programs`: the same for commands.
//!
//! `BUCARDO_TEST_RUNS` sets the number of runs, `BUCARDO_TEST_SEED` which they are, and
//! `BUCARDO_TEST_RUN` is the number of the only one.

mod client;
mod login;
mod messages;
mod programs;
mod server;

use super::hung::alone;
use crate::harness::{Chance, long};
use server::{FLOODS, Server};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How many runs there are without the variable.
const RUNS: u64 = 300;

/// What a run may take: the time limit of a connection twice (with and without encryption), and the
/// pauses of the server; on a busy machine.
const LONGEST: Duration = Duration::from_secs(20);

/// What this process may take, the fake server included.
const MEMORY: u64 = 128 * 1024;

fn runs() -> u64 {
    std::env::var("BUCARDO_TEST_RUNS").ok().map_or(RUNS, |text| text.parse().unwrap())
}

/// The most memory that this process ever had, in kB (see proc(5), /proc/pid/status).
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Memory is counted in a process without other tests in it.
#[test]
fn whatever_a_server_sends_nothing_panics_hangs_or_swells() {
    if !alone("pg::rubbish::whatever_a_server_sends_nothing_panics_hangs_or_swells") {
        return;
    }
    let only: Option<u64> = std::env::var("BUCARDO_TEST_RUN").ok().map(|text| text.parse().unwrap());
    let first = only.unwrap_or_else(|| Chance::new().below(1 << 40));
    let runs = if only.is_some() { 1 } else { runs() };
    let mut ends: BTreeMap<String, u64> = BTreeMap::new();
    let mut slowest = Duration::ZERO;
    for seed in first..first + runs {
        let server = Server::start(seed);
        let begun = Instant::now();
        let end = std::panic::catch_unwind(|| client::run(seed, &server));
        let took = begun.elapsed();
        let end = end.unwrap_or_else(|_| panic!("run {seed} panics"));
        assert!(took < LONGEST, "run {seed} takes {took:?}: {end}");
        assert!(peak() < MEMORY, "run {seed} takes {} kB: {end}", peak());
        slowest = slowest.max(took);
        *ends.entry(end).or_default() += 1;
    }
    println!("{runs} runs from {first} on, the slowest {slowest:?}, {} kB at most", peak());
    ends.iter().for_each(|(end, count)| println!("{count:6} {end}"));
    assert!(runs < 100 || ends.len() > 20, "the server does not do much: {ends:?}");
}

/// Each thing that can come without end, as the answer to each kind of question.
#[test]
fn an_answer_without_end_takes_no_memory_without_end() {
    if !alone("pg::rubbish::an_answer_without_end_takes_no_memory_without_end") {
        return;
    }
    for flood in 0..FLOODS {
        for length in if long() { vec![1, 200, 5000] } else { vec![5000] } {
            let server = Server::flooding(flood, length);
            let ends: Vec<String> = (0..client::QUESTIONS).map(|question| client::ask(&server, question)).collect();
            println!("flood {flood} of {length}: {} kB; {ends:?}", peak());
            assert!(peak() < MEMORY, "flood {flood} of {length} takes {} kB: {ends:?}", peak());
        }
    }
}
