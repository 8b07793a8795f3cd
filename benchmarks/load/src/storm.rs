//! Log-ins as fast as they are answered, each followed by a goodbye.

use crate::fleet::{self, Pace};
use crate::json::Object;
use crate::options::Options;

pub fn main(mut options: Options) -> Result<bool, String> {
    let target = options.target()?;
    let pace = Pace::read(&mut options)?;
    let count: usize = options.number("logins", 1000)?;
    options.finish()?;
    let opened = fleet::open(&target, count, false, &pace)?;
    let seconds = opened.elapsed.as_secs_f64();
    let errors = opened.failures.total();
    let mut report = Object::new();
    report
        .number("logins", opened.admitted)
        .number("seconds", format_args!("{seconds:.6}"))
        .number("logins_per_second", format_args!("{:.1}", opened.admitted as f64 / seconds.max(1e-9)))
        .number("errors", errors)
        .raw("kinds", &opened.failures.json())
        .raw("latency_us", &opened.times.json());
    println!("{}", report.finish());
    Ok(errors == 0)
}
