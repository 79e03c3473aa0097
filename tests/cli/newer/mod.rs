//! Called as `bucardo`, the program speaks the dialect of 5.6 (reference, section 8).

mod add;
mod change;
mod daemon;
mod list;
mod options;
mod piddir;
mod story;

use super::world::World;
use crate::harness::Outcome;

/// Runs a line of the newer dialect, split at blanks.
fn run(world: &World, line: &str) -> Outcome {
    world.bucardo(&line.split(' ').collect::<Vec<_>>())
}

/// One that must succeed and complain of nothing; what it printed.
fn says(world: &World, line: &str) -> String {
    let outcome = run(world, line).ended_with(0);
    assert_eq!(outcome.stderr, "", "{line}");
    outcome.stdout
}
