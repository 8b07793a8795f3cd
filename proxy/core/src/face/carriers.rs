//! The process's engine: its carrier threads, or the one engine that the loop drives itself.

use super::{commands, events, figures};
use crate::brain;
use crate::engine::Engine;
use crate::poll::{Poll, PollSet};
use crate::shared::{Limits, Shared};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// Handles have room for so many.
const MAX_CARRIERS: usize = 64;
const MAX_EVENTS: usize = 1_024;

#[pyclass(frozen, module = "proxy._core")]
pub struct Core {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// With `carriers = 0`.
    engine: Mutex<Option<Engine>>,
    epoll: i32,
    next: AtomicUsize,
}

fn failed(error: impl std::fmt::Display) -> PyErr {
    PyRuntimeError::new_err(error.to_string())
}

#[pymethods]
impl Core {
    #[new]
    #[pyo3(signature = (carriers, *, max_clients = 10_000, login_ms = 60_000, max_statement = 1_048_576, max_plans = 10_000))]
    fn new(
        carriers: usize,
        max_clients: usize,
        login_ms: u64,
        max_statement: usize,
        max_plans: usize,
    ) -> PyResult<Self> {
        if carriers > MAX_CARRIERS {
            return Err(PyValueError::new_err(format!("at most {MAX_CARRIERS} carriers")));
        }
        let count = carriers.max(1);
        let polls = (0..count).map(|_| Poll::new()).collect::<Result<Vec<_>, _>>().map_err(failed)?;
        let sets: Vec<PollSet> = polls.iter().map(|poll| PollSet(poll.raw())).collect();
        let limits = Limits { max_clients, login_ms, max_statement };
        let shared = Arc::new(Shared::new(limits, max_plans, sets).map_err(failed)?);
        let epoll = polls.first().map_or(-1, Poll::raw);
        let mut engines = Vec::new();
        for (index, poll) in polls.into_iter().enumerate() {
            engines.push(Engine::new(index, poll, Arc::clone(&shared)).map_err(failed)?);
        }
        let core = |engine, threads| Self {
            shared: Arc::clone(&shared),
            threads: Mutex::new(threads),
            engine: Mutex::new(engine),
            epoll,
            next: AtomicUsize::new(0),
        };
        if carriers == 0 {
            return Ok(core(engines.pop(), Vec::new()));
        }
        let mut threads = Vec::new();
        for (index, engine) in engines.into_iter().enumerate() {
            let shared = Arc::clone(&shared);
            let named = std::thread::Builder::new().name(format!("carrier-{index}"));
            threads.push(named.spawn(move || carry(engine, &shared)).map_err(failed)?);
        }
        Ok(core(None, threads))
    }

    fn fileno(&self) -> i32 {
        self.shared.events.wake.raw()
    }

    fn drain(&self, py: Python<'_>) -> PyResult<Vec<Py<PyAny>>> {
        let waiting = self.shared.events.drain(MAX_EVENTS);
        waiting.into_iter().map(|event| events::to_python(py, event)).collect()
    }

    fn apply(&self, commands: Vec<Bound<'_, PyAny>>) -> PyResult<()> {
        for object in &commands {
            brain::apply(&self.shared, &self.next, commands::to_core(object)?);
        }
        Ok(())
    }

    fn epoll(&self) -> i32 {
        self.epoll
    }

    #[pyo3(signature = (timeout_ms = 0))]
    fn turn(&self, timeout_ms: i32) {
        if let Some(engine) = self.engine.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            engine.turn(timeout_ms);
        }
    }

    fn pulse(&self) -> Vec<u64> {
        let turns = self.shared.stats.iter().map(|stats| stats.turns.get()).collect();
        for inbox in &self.shared.inboxes {
            inbox.wake.ring();
        }
        turns
    }

    fn busiest(&self, most: usize) -> Vec<figures::Busy> {
        figures::busiest(&self.shared, most)
    }

    fn figures(&self) -> figures::Figures {
        figures::figures(&self.shared)
    }

    fn pools(&self) -> Vec<figures::PoolFigures> {
        figures::pools(&self.shared)
    }

    fn carriers(&self) -> Vec<figures::CarrierFigures> {
        figures::carriers(&self.shared)
    }

    fn plans(&self, py: Python<'_>) -> Vec<figures::PlanFigures> {
        figures::plans(py, &self.shared)
    }

    fn stop(&self, py: Python<'_>) {
        self.shared.stopping.store(true, Relaxed);
        for inbox in &self.shared.inboxes {
            inbox.wake.ring();
        }
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        py.detach(|| {
            for thread in threads {
                let _ = thread.join();
            }
        });
        if let Some(mut engine) = self.engine.lock().unwrap_or_else(PoisonError::into_inner).take() {
            engine.close_all();
        }
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Relaxed);
        for inbox in &self.shared.inboxes {
            inbox.wake.ring();
        }
    }
}

/// A carrier's life: turn after turn, never touching Python.
fn carry(mut engine: Engine, shared: &Shared) {
    while !shared.stopping.load(Relaxed) {
        engine.turn(-1);
    }
    engine.close_all();
}
