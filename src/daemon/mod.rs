//! The processes of the daemon.
//!
//! ```text
//! MCP    one per control database   supervises controllers; hears kicks from the sources and clients
//! ├─ CTL  one per active sync       puts jobs into q; decides who runs, and how many at once
//! │  └─ KID  one per target         claims its job, runs rounds, ends it
//! ├─ VAL  now and then              validates one sync and leaves
//! ├─ guard  now and then            looks whether changes wait that nothing works on, mails that, and leaves
//! └─ tester, mailer                 try out new databases, send one mail, and leave
//! ```
//!
//! Each is this same binary started again ([`process::launch`], [`process::role`]), with one thread that works and without anything inherited: a process that dies
//! takes nothing with it but its own work, which its transaction rolls back. They coordinate through rows of `q` and notifications only.
//! Everyone sleeps on its connections and its [`process::signals`] until something happens; nobody polls.

pub mod ctl;
pub mod entry;
pub mod kid;
pub mod mcp;
pub mod oneshot;
pub mod process;
