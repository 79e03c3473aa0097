//! What happens to a command that is disturbed: by another operator, by Ctrl-C, by whoever reads
//! its output, by a full disk, by servers that refuse or never answer. Each ends with a clear
//! message and exit code, in time, and leaves nothing half-done.

mod disk;
mod interrupt;
mod operators;
mod servers;
