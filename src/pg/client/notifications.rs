//! Notifications that came with other things, or while nothing else did.

use super::{Answer, Driver};
use fallible_iterator::FallibleIterator;
use postgres::{Error, Notification};
use std::collections::VecDeque;
use std::future::Future;
use std::task::Poll;
use std::time::Duration;

/// What notifications that were not taken yet may hold in memory. PostgreSQL's own queue holds 8
/// GB.
const WAITING: usize = 16 * 1024 * 1024;

/// What a notification takes beside its texts, at most.
const EACH: usize = 128;

/// The notifications that were not taken yet.
#[derive(Default)]
pub struct Waiting {
    queue: VecDeque<Notification>,
    bytes: usize,
    lost: u64,
}

impl Waiting {
    /// One more. Beyond the limit the newest are dropped.
    pub fn push(&mut self, notification: Notification) {
        let size = size(&notification);
        if self.bytes + size > WAITING {
            self.lost += 1;
            return;
        }
        self.bytes += size;
        self.queue.push_back(notification);
    }

    fn pop(&mut self) -> Option<Notification> {
        let next = self.queue.pop_front()?;
        self.bytes -= size(&next);
        if self.queue.is_empty() && self.lost > 0 {
            log::warn!("{} notifications were dropped: they came faster than they could be read", std::mem::take(&mut self.lost));
        }
        Some(next)
    }
}

fn size(notification: &Notification) -> usize {
    EACH + notification.channel().len() + notification.payload().len()
}

/// What was notified; see [`super::Client::notifications`].
pub struct Notifications<'a> {
    driver: &'a mut Driver,
}

impl<'a> Notifications<'a> {
    pub(super) fn new(driver: &'a mut Driver) -> Notifications<'a> {
        Notifications { driver }
    }

    /// Whether none lies in memory.
    pub fn is_empty(&self) -> bool {
        self.driver.waiting.queue.is_empty()
    }

    /// How many lie in memory.
    pub fn len(&self) -> usize {
        self.driver.waiting.queue.len()
    }

    /// Those that are there now.
    pub fn iter(&mut self) -> Iter<'_> {
        Iter { driver: self.driver, timeout: None }
    }

    /// Those that are there or come, each within `timeout`.
    pub fn timeout_iter(&mut self, timeout: Duration) -> Iter<'_> {
        Iter { driver: self.driver, timeout: Some(timeout) }
    }
}

/// Notifications, one after the other.
pub struct Iter<'a> {
    driver: &'a mut Driver,
    timeout: Option<Duration>,
}

impl FallibleIterator for Iter<'_> {
    type Item = Notification;
    type Error = Error;

    fn next(&mut self) -> Answer<Option<Notification>> {
        if let Some(next) = self.driver.waiting.pop() {
            return Ok(Some(next));
        }
        let Some(timeout) = self.timeout else {
            return self.driver.poll(|_, waiting, _| Poll::Ready(Ok(waiting.pop())));
        };
        let mut time_is_up = {
            let _inside = self.driver.runtime.enter();
            Box::pin(tokio::time::sleep(timeout))
        };
        self.driver.poll(|cx, waiting, over| match waiting.pop() {
            None if !over && time_is_up.as_mut().poll(cx).is_pending() => Poll::Pending,
            next => Poll::Ready(Ok(next)),
        })
    }
}
