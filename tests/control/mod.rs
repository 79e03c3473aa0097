//! The control database: its tables, and what its triggers and functions do.

mod connlog;
mod queue;
mod reference;
mod rules;
mod schema;
mod validation;

/// Databases `a` and `b`, a herd `h` with the table `public.t` of `a`, and a sync `s` from there to
/// `b`.
fn two_databases_and_a_sync(control: &mut postgres::Client) {
    control
        .batch_execute(
            "insert into bucardo.db (name, dbname, dbuser) values ('a', 'a', 'bucardo'), ('b', 'b', 'bucardo');
             insert into bucardo.goat (db, schemaname, tablename) values ('a', 'public', 't');
             insert into bucardo.herd (name) values ('h');
             insert into bucardo.herdmap (herd, goat) select 'h', id from bucardo.goat;
             insert into bucardo.sync (name, source, targetdb, synctype) values ('s', 'h', 'b', 'pushdelta')",
        )
        .unwrap();
}

/// The server's sentence for a statement it refuses, or the name of the constraint.
fn refusal(control: &mut postgres::Client, sql: &str) -> String {
    let error = control.batch_execute(sql).expect_err(sql);
    let error = error.as_db_error().unwrap();
    error.constraint().unwrap_or(error.message()).to_owned()
}

/// Channel and payload of all notifications that have come so far.
fn heard(control: &mut postgres::Client) -> Vec<(String, String)> {
    use fallible_iterator::FallibleIterator;
    control.simple_query("select 1").unwrap();
    let mut heard = control.notifications();
    heard.iter().map(|n| Ok((n.channel().to_owned(), n.payload().to_owned()))).collect().unwrap()
}
