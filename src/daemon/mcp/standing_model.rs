//! Random histories of one sync: commands, changes of its row, reloads, deaths. What the daemon
//! keeps, step by step, and what `status` makes of it must be what a person says who reads the
//! history from its end.

use super::standing::{Order, Standing};
use crate::control::state::{Backlog, Facts, Level, State, Waiting};
use crate::control::sync::Sync;

/// Histories, and how long each is.
const HISTORIES: u64 = 10_000;
const EVENTS: usize = 40;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Start,
    Stop,
    Kill,
    ReloadAll,
    ReloadSync,
    ControlRestarts,
    Told(Order),
    /// `update sync s status=…`, or the same by SQL.
    Status(bool),
    /// `update db … status=…` for the source database.
    Source(bool),
    Renamed,
    Row,
}

/// The control database and the daemon, as the code keeps them.
#[derive(Debug, Clone)]
struct World {
    row: Sync,
    stored: Standing,
    daemon: Option<Daemon>,
    waiting: i64,
}

/// What a daemon has in memory.
#[derive(Debug, Clone)]
struct Daemon {
    row: Sync,
    standing: Standing,
    runs: bool,
}

impl World {
    fn new(row: Sync) -> World {
        World { row, stored: Standing::default(), daemon: None, waiting: 0 }
    }

    /// As `begin` and `load` of the daemon do it.
    fn load(&mut self) {
        let (row, standing) = (self.row.clone(), self.stored);
        self.daemon = Some(Daemon { runs: standing.runs(&row), row, standing });
    }

    fn restart_sync(&mut self) {
        if let Some(daemon) = &mut self.daemon {
            daemon.row = self.row.clone();
            daemon.runs = daemon.standing.runs(&daemon.row);
        }
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::Start | Event::ReloadAll if event == Event::Start || self.daemon.is_some() => {
                self.stored.asked = None;
                self.load();
            }
            Event::ControlRestarts if self.daemon.is_some() => self.load(),
            Event::Stop | Event::Kill => self.daemon = None,
            Event::ReloadSync | Event::Renamed => self.restart_sync(),
            Event::Told(order) => self.order(order),
            Event::Status(wanted) => self.status(wanted),
            Event::Source(possible) => {
                self.row.possible = possible;
                self.row.active = self.row.wanted && possible;
                self.restart_sync();
            }
            Event::Row => self.waiting += 1,
            _ => {}
        }
        // Whatever runs looks for changes when it begins, and hears of those that come.
        if self.daemon.as_ref().is_some_and(|daemon| daemon.runs) {
            self.waiting = 0;
        }
    }

    fn order(&mut self, order: Order) {
        let Some(daemon) = &mut self.daemon else { return };
        if let Some(standing) = daemon.standing.after(order, &self.row) {
            (daemon.standing, self.stored) = (standing, standing);
            self.restart_sync();
        }
    }

    fn status(&mut self, wanted: bool) {
        if self.row.wanted == wanted {
            return;
        }
        self.row.wanted = wanted;
        self.row.active = wanted && self.row.possible;
        if let Some(daemon) = &mut self.daemon {
            daemon.standing.asked = None;
            self.stored = daemon.standing;
            self.restart_sync();
        }
    }

    /// As `status` reads it.
    fn facts(&self) -> Facts {
        Facts {
            stopped: self.daemon.is_none(),
            active: self.row.wanted,
            source_off: (!self.row.possible).then(|| "A".to_owned()),
            paused: self.stored.paused.then_some(1),
            asked: self.stored.asked,
            waiting: Waiting::Known(Backlog { changes: self.waiting, more: false, oldest: self.waiting }),
            ..Facts::default()
        }
    }
}

/// What a person says who reads a history backwards.
struct Reader<'a>(&'a [Event]);

impl Reader<'_> {
    fn last<T>(&self, find: impl FnMut(&Event) -> Option<T>) -> Option<T> {
        self.0.iter().rev().find_map(find)
    }

    fn daemon_lives(&self) -> bool {
        let lives = |event: &Event| match event {
            Event::Start => Some(true),
            Event::Stop | Event::Kill => Some(false),
            _ => None,
        };
        self.last(lives).unwrap_or(false)
    }

    fn status(&self) -> bool {
        self.last(|event| if let Event::Status(wanted) = event { Some(*wanted) } else { None }).unwrap_or(true)
    }

    fn source(&self) -> bool {
        self.last(|event| if let Event::Source(active) = event { Some(*active) } else { None }).unwrap_or(true)
    }
}

fn sync() -> Sync {
    crate::control::sync::example(&[], &["B"])
}

/// A generator that needs nothing (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, number: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % number
    }

    fn event(&mut self) -> Event {
        match self.below(22) {
            0 | 1 => Event::Start,
            2 => Event::Stop,
            3 => Event::Kill,
            4 => Event::ReloadAll,
            5 => Event::ReloadSync,
            6 => Event::ControlRestarts,
            7..=9 => Event::Told(Order::Pause),
            10 | 11 => Event::Told(Order::Resume),
            12 | 13 => Event::Told(Order::Activate),
            14 | 15 => Event::Told(Order::Deactivate),
            16 => Event::Status(true),
            17 => Event::Status(false),
            18 => Event::Renamed,
            19 => Event::Source(self.below(3) > 0),
            _ => Event::Row,
        }
    }
}

/// What must hold of any state, whatever led to it: the word, what becomes of a row, and what a
/// monitor is told agree.
fn agrees(world: &World, history: &[Event]) {
    let facts = world.facts();
    let (state, level) = (facts.state(), facts.level());
    let reader = Reader(history);
    let told = || format!("{state:?} after {history:?}");
    assert_eq!(world.daemon.is_some(), reader.daemon_lives(), "{}", told());
    assert_eq!((world.row.wanted, world.row.possible), (reader.status(), reader.source()), "{}", told());
    let carries = world.daemon.as_ref().is_some_and(|daemon| daemon.runs);
    match state {
        _ if world.daemon.is_none() => {
            let stopped = if world.row.wanted && world.row.possible { State::Stopped } else { State::Off };
            assert!(!carries && state == stopped && level == Level::Critical, "{}", told());
        }
        State::Idle => assert!(carries && world.waiting == 0 && level == Level::Fine, "{}", told()),
        State::Paused | State::Off => assert!(!carries && (level == Level::Warning) == (world.waiting > 0), "{}", told()),
        other => panic!("{other:?} without a reason, {}", told()),
    }
}

#[test]
fn after_any_history_the_state_is_what_becomes_of_a_row() {
    for seed in 1..=HISTORIES {
        let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut world = World::new(sync());
        let mut history = Vec::new();
        for _ in 0..EVENTS {
            let event = chance.event();
            history.push(event);
            world.apply(event);
            agrees(&world, &history);
        }
        follow(&history);
    }
}

/// The same history, read from its end: who has the last word about a pause, and about on and off.
fn follow(history: &[Event]) {
    let mut world = World::new(sync());
    for (at, event) in history.iter().enumerate() {
        let before = world.clone();
        world.apply(*event);
        let Some(daemon) = &world.daemon else { continue };
        let is_on = daemon.standing.is_on(&world.row);
        let told = || format!("after {:?}", &history[..=at]);
        match event {
            Event::Told(Order::Activate) => assert_eq!(daemon.runs, world.row.possible, "{}", told()),
            Event::Told(Order::Deactivate) => assert!(!daemon.runs && !is_on, "{}", told()),
            Event::Told(Order::Pause) => assert!(!daemon.runs, "{}", told()),
            Event::Told(Order::Resume) => assert!(!daemon.runs || is_on && !daemon.standing.paused, "{}", told()),
            Event::Start | Event::ReloadAll => {
                assert_eq!(is_on, world.row.wanted && world.row.possible, "{}", told());
                assert_eq!(daemon.standing.paused, before.stored.paused, "a pause outlives it, {}", told());
            }
            Event::ControlRestarts => assert_eq!(daemon.standing, before.stored, "{}", told()),
            Event::Status(_) => assert!(daemon.standing.paused == before.stored.paused, "{}", told()),
            _ => {}
        }
    }
}
