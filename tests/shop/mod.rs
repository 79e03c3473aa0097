//! The bench of the engine: a small shop whose members are all written to while processes, links
//! and servers fail.
//!
//! The number of masters and targets, what the clients do and the weather come from a seed.
//! Afterwards all members must be equal, what the shop promises must hold, and each write must
//! either be there, or have been seen by whoever wrote over it, or be named by the record of
//! conflicts ([`account`]). Timing is no part of a seed, so one may fail only now and then; it is
//! printed.
//!
//! * `BUCARDO_SHOP_SEED=n`: only this seed.
//! * `BUCARDO_SHOP_SEEDS=200`: so many, instead of six. * `BUCARDO_SHOP_SECONDS=20`: of load for
//!   each, instead of four.
//! * `BUCARDO_SHOP_CALM=1`: nothing fails. Then no worker may die either.

mod account;
mod clients;
mod quiet;
mod schema;
mod storm;
mod weather;

use crate::daemon::world::World;
use crate::harness::{Chance, Proxy};
use crate::replicate::invariants;
use clients::Clients;
use std::fs;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};
use weather::Weather;

/// Who takes part: databases that are written to, and databases that only receive.
#[derive(Clone, Copy)]
struct Layout {
    masters: &'static [&'static str],
    targets: &'static [&'static str],
}

const LAYOUTS: [Layout; 6] = [
    Layout { masters: &["A", "B"], targets: &[] },
    Layout { masters: &["A", "B", "C"], targets: &[] },
    Layout { masters: &["A", "B"], targets: &["D"] },
    Layout { masters: &["A"], targets: &["D", "E"] },
    Layout { masters: &["A", "B", "C"], targets: &["D"] },
    Layout { masters: &["A", "B", "C", "D"], targets: &[] },
];

#[test]
fn two_masters_survive_the_weather() {
    seeds(0).for_each(run);
}

#[test]
fn three_masters_survive_the_weather() {
    seeds(1).for_each(run);
}

#[test]
fn two_masters_and_a_target_survive_the_weather() {
    seeds(2).for_each(run);
}

#[test]
fn a_source_and_two_targets_survive_the_weather() {
    seeds(3).for_each(run);
}

#[test]
fn three_masters_and_a_target_survive_the_weather() {
    seeds(4).for_each(run);
}

#[test]
fn four_masters_survive_the_weather() {
    seeds(5).for_each(run);
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

/// The seeds that draw this layout.
fn seeds(layout: u64) -> impl Iterator<Item = u64> {
    let layouts = LAYOUTS.len() as u64;
    let range = match number("BUCARDO_SHOP_SEED") {
        Some(seed) => seed..seed + 1,
        None => layouts..layouts + number("BUCARDO_SHOP_SEEDS").unwrap_or(layouts),
    };
    range.filter(move |seed| seed % layouts == layout)
}

/// A shop that is open.
struct Shop {
    world: World,
    layout: Layout,
    links: Vec<(&'static str, Proxy)>,
    /// Clients claim the same few values most of the time.
    contended: bool,
}

impl Shop {
    fn members(&self) -> impl Iterator<Item = &'static str> {
        self.layout.masters.iter().chain(self.layout.targets).copied()
    }

    /// Those to whom changes come.
    fn receivers(&self) -> impl Iterator<Item = &'static str> {
        self.members().skip(usize::from(self.layout.masters.len() == 1))
    }

    fn open(layout: Layout, chance: &mut Chance) -> Shop {
        let members: Vec<&str> = layout.masters.iter().chain(layout.targets).copied().collect();
        let mut world = World::with(&[], &members);
        let unique = chance.below(3) as usize;
        for (number, member) in members.iter().enumerate() {
            world.server_mut(member).set_clock(0);
            world.at(member, &schema::ddl(number, unique));
        }
        let links = members.iter().map(|member| (*member, world.link(member))).collect();
        let contended = chance.below(2) == 0;
        let shop = Shop { world, layout, links, contended };
        shop.add_sync(chance);
        shop.receivers().for_each(|member| invariants::watch_receipts(&mut shop.world.db(member)));
        println!("unique indexes: {unique}; contended: {contended}");
        fs::create_dir(shop.wishes()).unwrap();
        shop.start();
        shop
    }

    /// Where a kid finds at which step of its round it shall die.
    fn wishes(&self) -> PathBuf {
        self.world.installed.dir().join("fail")
    }

    fn start(&self) {
        self.world.installed.call("bucardo_ctl", &["start"]).env("BUCARDO_FAILPOINTS", self.wishes()).run().ok();
    }

    fn add_sync(&self, chance: &mut Chance) {
        let (world, Layout { masters, targets }) = (&self.world, self.layout);
        world.says(&format!("add table {} db=A herd=shop", schema::TABLES.join(" ")));
        world.says("add sequence invoice_numbers db=A herd=shop");
        world.says(&format!("add dbgroup g {}", [&masters[1..], targets].concat().join(" ")));
        let mut control = world.db("control");
        let partners: Vec<&str> = masters[1..].to_vec();
        control.execute("update bucardo.dbmap set role = 'source' where db = any ($1)", &[&partners]).unwrap();
        let kind = if masters.len() > 1 { "swap" } else { "pushdelta" };
        world.says(&format!("add sync shop type={kind} source=shop targetgroup=g"));
        let strategy = chance.pick(&["latest", "source", "target", "random", "bucardo_latest_all_tables", "A"]);
        control.execute("update bucardo.sync set conflict_strategy = $1", &[&strategy]).unwrap();
        control.batch_execute("delete from bucardo.bucardo_config where setting = 'delta_retention'").unwrap();
        control.batch_execute("insert into bucardo.bucardo_config (setting, value) values ('delta_retention', '0.2')").unwrap();
        println!("{masters:?} {targets:?} {strategy}");
    }
}

fn run(seed: u64) {
    println!("BUCARDO_SHOP_SEED={seed}");
    let mut chance = Chance::seeded(seed);
    let mut shop = Shop::open(LAYOUTS[usize::try_from(seed).unwrap() % LAYOUTS.len()], &mut chance);
    let clients = Clients::start(&shop, &mut chance);
    let end = Instant::now() + Duration::from_secs(number("BUCARDO_SHOP_SECONDS").unwrap_or(4));
    let mut weather = Weather::new(chance.branch());
    let calm = number("BUCARDO_SHOP_CALM").is_some_and(|calm| calm > 0);
    while Instant::now() < end {
        if calm { sleep(Duration::from_millis(50)) } else { weather.change(&mut shop) }
    }
    if !calm {
        weather.clear_up(&shop);
    }
    clients.stop();
    quiet::comes(&shop);
    account::settle(&shop);
    if calm {
        assert_eq!(shop.world.value("control", "select count(*) from bucardo.q where aborted is not null"), "0");
    }
}
