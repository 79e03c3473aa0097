//! The driver, made to wait: `tokio-postgres` in a small runtime of its own, one for each
//! connection and without a thread. Whatever is called here runs the connection until the answer is
//! there, and lets go of it when nothing comes any more.
//!
//! The crate `postgres` does the same, but connects by itself: nothing can be put between it and
//! the socket, and a server that it waits for can neither be given a time limit nor be left.

mod copy;
mod notifications;

use crate::pg::connect::{Answers, Line, Socket};
pub use copy::{CopyInWriter, CopyOutReader};
pub use notifications::Notifications;
use notifications::Waiting;
use postgres::types::ToSql;
use postgres::{AsyncMessage, CancelToken, Error, Row, SimpleQueryMessage, Statement, ToStatement};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// How long a server may take to hear that we go.
const GOODBYE: Duration = Duration::from_secs(1);

type Answer<T> = Result<T, Error>;

/// The driver's half that does the work.
type Exchange = postgres::Connection<Socket, Line>;

/// A session. The order of the fields is that in which they end: the driver says goodbye once
/// nothing can be asked any more.
pub struct Client {
    client: postgres::Client,
    driver: Driver,
}

impl Client {
    /// Of what the driver has made in this runtime.
    pub fn new(runtime: Runtime, client: postgres::Client, exchange: Exchange, answers: Arc<Answers>) -> Client {
        Client { client, driver: Driver { runtime, exchange, answers, waiting: Waiting::default(), polite: true } }
    }

    /// The number of rows concerned.
    pub fn execute<T: ?Sized + ToStatement>(&mut self, query: &T, values: &[&(dyn ToSql + Sync)]) -> Answer<u64> {
        self.driver.run(self.client.execute(query, values))
    }

    /// All rows.
    pub fn query<T: ?Sized + ToStatement>(&mut self, query: &T, values: &[&(dyn ToSql + Sync)]) -> Answer<Vec<Row>> {
        self.driver.run(self.client.query(query, values))
    }

    /// The only row.
    pub fn query_one<T: ?Sized + ToStatement>(&mut self, query: &T, values: &[&(dyn ToSql + Sync)]) -> Answer<Row> {
        self.driver.run(self.client.query_one(query, values))
    }

    /// The only row, if there is one.
    pub fn query_opt<T: ?Sized + ToStatement>(&mut self, query: &T, values: &[&(dyn ToSql + Sync)]) -> Answer<Option<Row>> {
        self.driver.run(self.client.query_opt(query, values))
    }

    /// A statement to be used more than once.
    pub fn prepare(&mut self, query: &str) -> Answer<Statement> {
        self.driver.run(self.client.prepare(query))
    }

    /// Statements separated by semicolons; all that comes as text.
    pub fn simple_query(&mut self, query: &str) -> Answer<Vec<SimpleQueryMessage>> {
        self.driver.run(self.client.simple_query(query))
    }

    /// The same, but only until `deadline`: then there is no answer, and the session is of no use
    /// any more.
    pub fn simple_query_until(&mut self, query: &str, deadline: Instant) -> Option<Answer<Vec<SimpleQueryMessage>>> {
        let Client { client, driver } = self;
        let answer = driver.run_until(client.simple_query(query), deadline);
        driver.polite = answer.is_some();
        answer
    }

    /// Statements separated by semicolons, without what comes.
    pub fn batch_execute(&mut self, query: &str) -> Answer<()> {
        self.driver.run(self.client.batch_execute(query))
    }

    /// Begins a COPY ... FROM STDIN.
    pub fn copy_in<T: ?Sized + ToStatement>(&mut self, query: &T) -> Answer<CopyInWriter<'_>> {
        let sink = self.driver.run(self.client.copy_in(query))?;
        Ok(CopyInWriter::new(&mut self.driver, sink))
    }

    /// Begins a COPY ... TO STDOUT.
    pub fn copy_out<T: ?Sized + ToStatement>(&mut self, query: &T) -> Answer<CopyOutReader<'_>> {
        let stream = self.driver.run(self.client.copy_out(query))?;
        Ok(CopyOutReader::new(&mut self.driver, stream))
    }

    /// What was notified.
    pub fn notifications(&mut self) -> Notifications<'_> {
        Notifications::new(&mut self.driver)
    }

    /// What a server wants to hear before it stops the statement of this session.
    pub fn cancel_token(&self) -> CancelToken {
        self.client.cancel_token()
    }

    /// From now on, answers may be as long as anything can be that is kept in memory.
    pub fn expect_much(&self) {
        self.driver.answers.expect_much();
    }

    /// Whether the connection is at its end.
    pub fn is_closed(&self) -> bool {
        self.client.is_closed()
    }
}

/// What moves a connection.
struct Driver {
    runtime: Runtime,
    exchange: Exchange,
    answers: Arc<Answers>,
    waiting: Waiting,
    /// Whether the server is told that we go.
    polite: bool,
}

impl Driver {
    /// Runs the connection until `work` is done.
    fn run<T>(&mut self, work: impl Future<Output = Answer<T>>) -> Answer<T> {
        let mut work = pin!(work);
        self.poll(|cx, _, _| work.as_mut().poll(cx))
    }

    fn run_until<T>(&mut self, work: impl Future<Output = Answer<T>>, deadline: Instant) -> Option<Answer<T>> {
        let mut work = pin!(work);
        self.answers.begin();
        let Driver { runtime, exchange, waiting, .. } = self;
        let step = poll_fn(|cx| match advance(exchange, waiting, cx) {
            Ok(_) => work.as_mut().poll(cx),
            Err(error) => Poll::Ready(Err(error)),
        });
        runtime.block_on(async { tokio::time::timeout_at(deadline.into(), step).await.ok() })
    }

    /// Runs the connection until `step`, which is told whether it is at its end, has its answer.
    fn poll<T>(&mut self, mut step: impl FnMut(&mut Context<'_>, &mut Waiting, bool) -> Poll<Answer<T>>) -> Answer<T> {
        self.answers.begin();
        let Driver { runtime, exchange, waiting, .. } = self;
        runtime.block_on(poll_fn(|cx| match advance(exchange, waiting, cx) {
            Ok(over) => step(cx, waiting, over),
            Err(error) => Poll::Ready(Err(error)),
        }))
    }
}

/// Does what can be done on a connection without waiting. Says whether it is at its end.
fn advance(exchange: &mut Exchange, waiting: &mut Waiting, cx: &mut Context<'_>) -> Answer<bool> {
    loop {
        match Pin::new(&mut *exchange).poll_message(cx) {
            Poll::Ready(Some(Ok(AsyncMessage::Notification(notification)))) => waiting.push(notification),
            // Notices are for people at a terminal and may quote rows: only that there was one is
            // told.
            Poll::Ready(Some(Ok(AsyncMessage::Notice(notice)))) => {
                log::debug!("the server sends a {} (SQLSTATE {})", notice.severity(), notice.code().code());
            }
            Poll::Ready(Some(Ok(_))) => {}
            Poll::Ready(Some(Err(error))) => return Err(error),
            Poll::Ready(None) => return Ok(true),
            Poll::Pending => return Ok(false),
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if !self.polite {
            return;
        }
        let Driver { runtime, exchange, waiting, .. } = self;
        let gone = poll_fn(|cx| match advance(exchange, waiting, cx) {
            Ok(false) => Poll::Pending,
            Ok(true) | Err(_) => Poll::Ready(()),
        });
        // A server that does not listen any more is left all the same.
        let _ = runtime.block_on(async { tokio::time::timeout(GOODBYE, gone).await });
    }
}
