//! Measures, for `scripts/bench latency`, how long it takes from a commit on a source until its row
//! is visible on a target.
//!
//! `bench_latency RATE SECONDS BLOCKS NAME=SOURCE|TARGET ...`: each program in turn gets RATE
//! single-row transactions a second, in BLOCKS turns that make SECONDS together. One thread writes
//! at its times whether or not earlier rows have arrived (or slow moments would hide themselves);
//! another hears from the target's trigger which rows are there. Prints, for each program, two
//! lines of name, event, and p50, p95, p99 and maximum in milliseconds since that event: the
//! statement was sent (so the source's own commit counts), the answer was there (a row may be
//! visible on the target before that, which counts as 0).

use fallible_iterator::FallibleIterator;
use postgres::{Client, NoTls};
use std::collections::HashMap;
use std::error::Error;
use std::time::{Duration, Instant};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// How long a row may be on its way after the last was written.
const PATIENCE: Duration = Duration::from_secs(20);

struct Program {
    name: String,
    source: Client,
    target: Client,
    since_sent: Vec<Duration>,
    since_answer: Vec<Duration>,
}

/// A row's transaction, as its writer saw it.
struct Written {
    id: i64,
    sent: Instant,
    answer: Instant,
}

fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [rate, seconds, blocks, pairs @ ..] = &words[..] else { return Err("see the head of the file".into()) };
    let (rate, seconds, blocks): (u32, u32, u32) = (rate.parse()?, seconds.parse()?, blocks.parse()?);
    let mut programs = pairs.iter().map(|pair| open(pair)).collect::<Outcome<Vec<_>>>()?;
    for block in 0..blocks {
        for program in &mut programs {
            run_block(program, i64::from(block) * 1_000_000, rate, rate * seconds / blocks)?;
        }
    }
    for program in &mut programs {
        println!("{} sent {}", program.name, percentiles(&mut program.since_sent));
        println!("{} answer {}", program.name, percentiles(&mut program.since_answer));
    }
    Ok(())
}

fn percentiles(taken: &mut [Duration]) -> String {
    taken.sort();
    let at = |share: f64| taken[((taken.len() - 1) as f64 * share) as usize].as_secs_f64() * 1000.0;
    format!("{:.2} {:.2} {:.2} {:.2}", at(0.5), at(0.95), at(0.99), at(1.0))
}

fn open(pair: &str) -> Outcome<Program> {
    let (name, rest) = pair.split_once('=').ok_or("a pair is NAME=SOURCE|TARGET")?;
    let (source, target) = rest.split_once('|').ok_or("a pair is NAME=SOURCE|TARGET")?;
    let mut target = Client::connect(target, NoTls)?;
    target.batch_execute("listen seen")?;
    let source = Client::connect(source, NoTls)?;
    Ok(Program { name: name.to_owned(), source, target, since_sent: Vec::new(), since_answer: Vec::new() })
}

fn run_block(program: &mut Program, first: i64, rate: u32, rows: u32) -> Outcome<()> {
    let (source, target) = (&mut program.source, &mut program.target);
    let (written, seen) = std::thread::scope(|scope| {
        let reader = scope.spawn(move || read(target, first, rows));
        let written = write(source, first, rate, rows);
        (written, reader.join())
    });
    let seen = seen.map_err(|_| "the reader broke down")??;
    for Written { id, sent, answer } in written? {
        let arrived = seen.get(&id).ok_or_else(|| format!("{}: row {id} did not arrive", program.name))?;
        program.since_sent.push(arrived.saturating_duration_since(sent));
        program.since_answer.push(arrived.saturating_duration_since(answer));
    }
    Ok(())
}

fn write(source: &mut Client, first: i64, rate: u32, rows: u32) -> Outcome<Vec<Written>> {
    let insert = source.prepare("insert into single values ($1, 'a row of a usual length, so to speak')")?;
    let begun = Instant::now();
    let mut written = Vec::new();
    for row in 0..rows {
        let due = begun + Duration::from_secs(1) * row / rate;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let id = first + i64::from(row);
        let sent = Instant::now();
        source.execute(&insert, &[&id])?;
        written.push(Written { id, sent, answer: Instant::now() });
    }
    Ok(written)
}

fn read(target: &mut Client, first: i64, rows: u32) -> Outcome<HashMap<i64, Instant>> {
    let mut seen = HashMap::new();
    let mut notifications = target.notifications();
    let mut incoming = notifications.timeout_iter(PATIENCE);
    while seen.len() < rows as usize {
        let Some(notification) = incoming.next()? else { return Err(format!("only {} rows have arrived", seen.len()).into()) };
        let id: i64 = notification.payload().parse()?;
        if id >= first {
            seen.insert(id, Instant::now());
        }
    }
    Ok(seen)
}
