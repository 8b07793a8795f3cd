//! The program as the harness uses it: the clients in front of the stub server, right rows and wrong ones.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Output, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_articdbm-load");

type Fallible<T> = Result<T, Box<dyn Error>>;

/// A stub server that ends with the test: its input does.
struct Stub {
    process: Child,
    port: String,
}

impl Stub {
    fn start() -> Fallible<Stub> {
        let mut process =
            Command::new(PROGRAM).arg("stub").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let output = process.stdout.take().ok_or("no standard output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let port = line.chars().filter(char::is_ascii_digit).collect();
        Ok(Stub { process, port })
    }

    fn ask(&self, arguments: &[&str]) -> Fallible<(Output, String)> {
        let output = Command::new(PROGRAM)
            .args(arguments)
            .args(["--port", &self.port])
            .stdin(Stdio::null())
            .output()?;
        let said = String::from_utf8(output.stdout.clone())?;
        Ok((output, said))
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

#[test]
fn every_mode_gets_its_rows() -> Fallible<()> {
    let stub = Stub::start()?;
    for mode in ["simple", "extended", "prepared"] {
        let (output, said) =
            stub.ask(&["run", "--mode", mode, "--clients", "5", "--seconds", "0.5", "--warmup", "0.05"])?;
        assert_eq!(output.status.code(), Some(0), "{mode}: {output:?}");
        assert!(!said.contains(r#""statements":0,"#), "{mode}: {said}");
        assert!(said.contains(r#""errors":0,"wrong":0,"#), "{mode}: {said}");
    }
    Ok(())
}

#[test]
fn a_row_with_another_key_is_wrong() -> Fallible<()> {
    let stub = Stub::start()?;
    let (output, said) = stub.ask(&["run", "--seconds", "0.1", "--warmup", "0", "--expect", "key"])?;
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains(r#""statements":0,"#) && !said.contains(r#""wrong":0,"#), "{said}");
    Ok(())
}

#[test]
fn a_statement_without_a_row_is_wrong() -> Fallible<()> {
    let stub = Stub::start()?;
    let (output, said) = stub.ask(&["run", "--seconds", "0.1", "--warmup", "0", "--statement", "BEGIN"])?;
    assert_eq!(output.status.code(), Some(1));
    assert!(!said.contains(r#""wrong":0,"#), "{said}");
    Ok(())
}

#[test]
fn much_is_moved_out_and_in_and_counted() -> Fallible<()> {
    let stub = Stub::start()?;
    let select = "SELECT repeat('x', 1000) FROM generate_series(1, 2000)";
    let copy = format!("COPY ({select}) TO STDOUT");
    for (statement, width, direction) in
        [(select, "1006", "receive"), (&copy, "1001", "receive"), ("COPY t FROM STDIN", "1001", "send")]
    {
        let (output, said) = stub.ask(&[
            "bulk",
            "--clients",
            "3",
            "--times",
            "2",
            "--rows",
            "2000",
            "--row-bytes",
            width,
            "--direction",
            direction,
            "--statement",
            statement,
        ])?;
        assert_eq!(output.status.code(), Some(0), "{statement}: {output:?}");
        assert!(said.contains(r#""statements":6,"#), "{statement}: {said}");
        let moved = said.split(r#""bytes":"#).nth(1).and_then(|rest| rest.split(',').next());
        assert!(moved.ok_or("no bytes")?.parse::<u64>()? > 6 * 2000 * 1000, "{statement}: {said}");
    }
    Ok(())
}

#[test]
fn too_few_rows_and_narrow_ones_are_wrong() -> Fallible<()> {
    let stub = Stub::start()?;
    let select = "SELECT repeat('x', 100) FROM generate_series(1, 200)";
    for (rows, width) in [("201", "106"), ("200", "107")] {
        let (output, said) =
            stub.ask(&["bulk", "--rows", rows, "--row-bytes", width, "--statement", select])?;
        assert_eq!(output.status.code(), Some(1));
        assert!(said.contains(r#""statements":0,"#) && said.contains(r#""wrong":1,"#), "{said}");
    }
    Ok(())
}

#[test]
fn a_storm_counts_its_log_ins() -> Fallible<()> {
    let stub = Stub::start()?;
    let (output, said) = stub.ask(&["storm", "--logins", "300", "--concurrency", "7"])?;
    assert_eq!(output.status.code(), Some(0));
    assert!(said.starts_with(r#"{"logins":300,"#), "{said}");
    Ok(())
}

#[test]
fn a_server_that_goes_away_is_noticed_by_the_idle() -> Fallible<()> {
    let stub = Stub::start()?;
    let mut idle = Command::new(PROGRAM)
        .args(["idle", "--clients", "40", "--port", &stub.port])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut input: ChildStdin = idle.stdin.take().ok_or("no standard input")?;
    let mut lines = BufReader::new(idle.stdout.take().ok_or("no standard output")?).lines();
    let mut line = || lines.next().ok_or("it said no more")?.map_err(Box::<dyn Error>::from);
    assert!(line()?.starts_with(r#"{"up":40,"errors":0,"#));
    writeln!(input, "touch")?;
    assert!(line()?.starts_with(r#"{"touched":40,"errors":0,"#));
    drop(stub);
    drop(input);
    assert_eq!(line()?, r#"{"lost":40}"#);
    assert_eq!(idle.wait()?.code(), Some(1));
    Ok(())
}

#[test]
fn what_cannot_begin_says_why() -> Fallible<()> {
    let nobody = Command::new(PROGRAM).args(["run", "--port", "1"]).output()?;
    assert_eq!(nobody.status.code(), Some(2));
    assert!(String::from_utf8(nobody.stderr)?.contains("0 of 1 clients came in"));
    let unknown = Command::new(PROGRAM).args(["run", "--port", "1", "--clientele", "3"]).output()?;
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8(unknown.stderr)?.contains("no option --clientele"));
    Ok(())
}
