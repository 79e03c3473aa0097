//! Attacks by ordinary roles on the role that replicates: the owner of a table (`keeper`), the
//! owner of a database, and a role that may only connect (`passer`). Our role (`porter`) is an
//! ordinary one with the owner's rights, or a superuser where that would be worse.
//!
//! * [`functions`]: an application's types, casts, operators, policies and settings under our
//!   SECURITY DEFINER functions.
//! * [`reading`]: what a source could have us run while we read it: views in the place of tables
//!   and sequences, casts to text and json.
//! * [`objects`]: a schema `bucardo`, or things in it, that are not ours.
//! * [`locks`]: locks that others can hold.
//! * [`hiding`]: writes that shall not be captured.
//! * [`receivers`]: code of the tables that we write, and what is told of it.
//! * [`roles`]: a role for the control database, and another one that replicates.

mod functions;
mod hiding;
mod locks;
mod objects;
mod reading;
mod receivers;
mod roles;

use crate::harness::Outcome;
use crate::replicate::case::Case;
use postgres::Client;

/// A function `spy` that leaves a trace, which no rollback removes, when it runs as another role
/// than the attackers.
const SPY: &str = "create sequence spied; grant usage, select on sequence spied to public;
    create function spy() returns boolean language plpgsql as $$
    begin
      if current_user not in ('keeper', 'passer') then perform nextval('public.spied'); end if;
      return true;
    end $$;";

/// An enum with casts that spy, in one of the contexts of CREATE CAST.
fn mood(context: &str) -> String {
    let one = |to: &str, value: &str| {
        format!(
            "create function mood_as_{to}(mood) returns {to} language plpgsql as $$ begin perform public.spy(); return {value}; end $$;
            create cast (mood as {to}) with function mood_as_{to}(mood) {context};"
        )
    };
    format!(
        "create type mood as enum ('calm', 'cross', 'glad'); {}",
        [one("text", "'x'"), one("int4", "1"), one("int8", "1"), one("varchar", "'x'")].concat()
    )
}

/// Whether code of an attacker has run as somebody else.
fn spied(client: &mut Client) -> bool {
    client.query_one("select is_called from public.spied", &[]).unwrap().get(0)
}

/// It has not, on the source.
fn nothing_spied(case: &mut Case) {
    assert!(!spied(&mut case.a), "code of the attacker ran with the rights of another role");
}

/// A command refused something: these words are in its answer.
fn refused(outcome: &Outcome, words: &[&str]) {
    assert_ne!(outcome.code(), 0, "{}{}", outcome.stdout, outcome.stderr);
    for word in words {
        assert!(outcome.stderr.contains(word), "{word}: {}{}", outcome.stdout, outcome.stderr);
    }
}
