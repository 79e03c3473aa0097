//! The way to a server that was chosen: by it a session is opened, and later a second connection
//! that stops a statement of that session.

use super::connector::{Connector, Prepared};
use super::failure::{Cause, Failure};
use super::message_limits::{Answers, MessageLimits};
use super::socket::{Address, Socket};
use crate::pg::conninfo::{Keepalive, RequireAuth};
use postgres::CancelToken;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};

/// One address of one server, and how to talk to it.
#[derive(Clone)]
pub struct Route {
    /// Where it is.
    pub address: Address,
    /// How a dead network is noticed.
    pub keepalive: Keepalive,
    /// How to encrypt.
    pub connector: Connector,
    /// Which proofs of who we are are given.
    pub required: RequireAuth,
    /// What it may take to get there.
    pub limit: Duration,
}

impl Route {
    /// A connected socket, and what is to be done with it.
    pub async fn open(&self, answers: Arc<Answers>) -> Result<(Socket, Prepared), Failure> {
        let socket = Socket::connect(&self.address, &self.keepalive).await?;
        let prepared = self.connector.prepare(MessageLimits::new(self.required.clone(), answers))?;
        Ok((socket, prepared))
    }

    /// Has the server stop what runs in the session of this token.
    pub fn cancel(&self, token: &CancelToken) -> Result<(), Failure> {
        let deadline = Instant::now() + self.limit;
        let cancel = async {
            let (socket, prepared) = self.open(Arc::default()).await?;
            token.cancel_query_raw(socket, prepared).await.map_err(Failure::from)
        };
        let asked = runtime()?.block_on(async { tokio::time::timeout_at(deadline.into(), cancel).await });
        asked.unwrap_or_else(|_| Err(Failure::timeout(self.limit)))
    }
}

/// A runtime for one connection. It has no thread.
pub fn runtime() -> Result<Runtime, Failure> {
    let built: io::Result<Runtime> = Builder::new_current_thread().enable_io().enable_time().build();
    built.map_err(|e| Failure::new(Cause::Ours, e.to_string()))
}
