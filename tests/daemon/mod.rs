//! The processes of the daemon: starting, stopping, dying, being replaced.
