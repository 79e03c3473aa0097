//! `bucardo_ctl`: replication between PostgreSQL databases. The work is in the library; here are only the way in and out.

fn main() {}
