//! JSON objects, written.

use std::fmt::{Display, Write};

pub struct Object {
    out: String,
}

impl Object {
    pub fn new() -> Object {
        Object { out: "{".to_owned() }
    }

    pub fn number(&mut self, name: &str, value: impl Display) -> &mut Object {
        self.name(name);
        let _ = write!(self.out, "{value}");
        self
    }

    pub fn text(&mut self, name: &str, value: &str) -> &mut Object {
        self.name(name);
        quote(&mut self.out, value);
        self
    }

    /// `value` is JSON already.
    pub fn raw(&mut self, name: &str, value: &str) -> &mut Object {
        self.number(name, value)
    }

    pub fn finish(&mut self) -> String {
        self.out.push('}');
        std::mem::take(&mut self.out)
    }

    fn name(&mut self, name: &str) {
        if self.out.len() > 1 {
            self.out.push(',');
        }
        quote(&mut self.out, name);
        self.out.push(':');
    }
}

fn quote(out: &mut String, value: &str) {
    out.push('"');
    for letter in value.chars() {
        match letter {
            '"' | '\\' => {
                out.push('\\');
                out.push(letter);
            }
            control if u32::from(control) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            plain => out.push(plain),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_to_be_escaped_is() {
        let mut object = Object::new();
        object.number("say \"hi\"\\\n", 1).raw("b", "{}").text("c", "\"");
        assert_eq!(object.finish(), r#"{"say \"hi\"\\\u000a":1,"b":{},"c":"\""}"#);
    }
}
