//! The Python face: what `proxy/_core.pyi` describes. Converts, and nothing else.

mod carriers;
mod commands;
mod conditions;
mod events;
mod figures;

use crate::lexer::{self, Mode, ProcessKey};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use std::sync::OnceLock;

type Lexed = (Vec<u8>, bool, Vec<(u32, u32)>);

/// The statement's key under this process's random key, whether it is exact, and where its literals lie.
#[pyfunction]
#[pyo3(signature = (text, *, standard_conforming_strings = true))]
fn fingerprint(text: &[u8], standard_conforming_strings: bool) -> PyResult<Lexed> {
    static KEY: OnceLock<Option<ProcessKey>> = OnceLock::new();
    let key = KEY.get_or_init(|| ProcessKey::random().ok()).as_ref();
    let key = key.ok_or_else(|| PyValueError::new_err("the system has no random numbers"))?;
    let mode = Mode { standard_conforming_strings, ..Mode::default() };
    let mut literals = Vec::new();
    let lexed = lexer::fingerprint(text, mode, key, &mut literals);
    let spans = literals.iter().map(|literal| (literal.start, literal.end)).collect();
    Ok((lexed.fingerprint.0.to_be_bytes().to_vec(), lexed.exact, spans))
}

#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(fingerprint, module)?)?;
    events::register(module)?;
    commands::register(module)?;
    conditions::register(module)?;
    figures::register(module)?;
    module.add_class::<carriers::Core>()
}
