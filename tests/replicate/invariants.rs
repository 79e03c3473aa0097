//! What holds after every test, whatever it was about: receipts never went back, consumed changes
//! are reclaimed, no secret and no row value is in the log, no worker is dead without a stored
//! reason. (That all members hold equal rows is in [`super::equal`].)

use super::case::{Case, PATIENCE};
use super::world::PASSWORD;
use crate::harness::wait_until;
use bucardo::pg::Schema;
use bucardo::replicate::capture::objects::Names;
use bucardo::replicate::snapshot::Snapshot;
use postgres::Client;

/// Part of a row's value that must not turn up in the log; tests put it wherever values can be.
pub const HUSH: &str = "hush-4077";

/// Checks them all for one case.
pub fn check(case: &mut Case) {
    receipts_advanced(case);
    deaths_have_reasons(case);
    reclaimed(case);
    log_is_discreet(case);
}

/// From now on every receipt of this target is remembered.
pub fn watch_receipts(target: &mut Client) {
    let sql = "create table bucardo.test_receipts (id serial primary key, sync text, source text, receipt text);
        create function bucardo.test_receipts() returns trigger language plpgsql security definer as $$ begin
            insert into bucardo.test_receipts (sync, source, receipt) values (new.sync, new.source, new.receipt::text); return null;
        end $$;
        create trigger test_receipts after insert or update on bucardo.bucardo_track
            for each row when (new.receipt is not null) execute procedure bucardo.test_receipts();
        alter table bucardo.bucardo_track enable always trigger test_receipts";
    target.batch_execute(sql).unwrap();
}

fn receipts_advanced(case: &Case) {
    case.targets.iter().for_each(|target| receipts_advanced_at(&mut case.target_cluster.connect(target), &case.name));
}

/// A later receipt sees all that an earlier one of the same source saw.
pub fn receipts_advanced_at(target: &mut Client, sync: &str) {
    let sql = "select source, receipt from bucardo.test_receipts where sync = $1 order by source, id";
    let rows = target.query(sql, &[&sync]).unwrap();
    let receipts: Vec<(String, Snapshot)> = rows.iter().map(|row| (row.get(0), Snapshot::parse(row.get(1)).unwrap())).collect();
    for pair in receipts.windows(2) {
        let ((source, earlier), (same, later)) = (&pair[0], &pair[1]);
        assert!(source != same || sees_all_of(later, earlier), "a receipt for {source} went back from {earlier} to {later}");
    }
}

fn sees_all_of(later: &Snapshot, earlier: &Snapshot) -> bool {
    later.xmax >= earlier.xmax && later.running.iter().all(|txid| !earlier.sees(*txid))
}

/// A kid that dies is named in the log. One that leaves on request, as at a reload, has not died,
/// and one that tells of a gap lives.
pub fn nobody_died(case: &Case) {
    let log = case.world.log();
    let others = ["was asked to stop", " may miss changes: "];
    let death =
        |line: &&str| line.contains("Warning!") && !others.iter().any(|other| line.contains(other)) && concerns(line, case);
    let deaths: Vec<&str> = log.lines().filter(death).collect();
    assert!(deaths.is_empty(), "{}", deaths.join("\n"));
}

fn concerns(line: &str, case: &Case) -> bool {
    line.contains(&format!("\"{}\"", case.name)) || line.contains(&format!("\"{}\"", case.source))
}

fn deaths_have_reasons(case: &Case) {
    let sql = "select count(*) from bucardo.q where sync = $1 and aborted is not null and coalesce(whydie, '') = ''";
    let silent: i64 = case.world.control().query_one(sql, &[&case.name]).unwrap().get(0);
    assert_eq!(silent, 0, "jobs of {} died without a reason", case.name);
}

/// Soon after everybody has everything, the delta tables are empty again.
pub fn reclaimed(case: &mut Case) {
    let source = case.source.clone();
    wait_until(&format!("the delta tables of {source} are empty"), PATIENCE, || (delta_rows(&mut case.a) == 0).then_some(()));
}

/// Rows in all delta tables of a source.
pub fn delta_rows(source: &mut Client) -> i64 {
    let names = source.query("select deltaname from bucardo.bucardo_delta_names where retired is null", &[]).unwrap();
    let of = |row: &postgres::Row| {
        [1, 2].map(|generation| {
            format!("(select count(*) from {})", Names::recorded(Schema::FIRST, row.get::<_, String>(0)).delta(generation))
        })
    };
    let counts: Vec<String> = names.iter().flat_map(of).collect();
    source.query_one(&format!("select {}", counts.join(" + ")), &[]).unwrap().get(0)
}

fn log_is_discreet(case: &Case) {
    let log = case.world.log();
    for secret in [PASSWORD, HUSH] {
        let found: Vec<&str> = log.lines().filter(|line| line.contains(secret)).collect();
        assert!(found.is_empty(), "the log tells what it must not:\n{}", found.join("\n"));
    }
    let sql = "select count(*) from bucardo.q where whydie like any ($1)";
    let patterns = [PASSWORD, HUSH].map(|secret| format!("%{secret}%"));
    let told: i64 = case.world.control().query_one(sql, &[&patterns.as_slice()]).unwrap().get(0);
    assert_eq!(told, 0, "a stored reason tells what it must not");
}
