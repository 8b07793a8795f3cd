//! Messages as bytes, and back into a word each.

pub fn startup() -> Vec<u8> {
    let mut packet = Vec::new();
    let body = b"user\0app\0\0";
    packet.extend((8 + body.len() as u32).to_be_bytes());
    packet.extend(196_608u32.to_be_bytes());
    packet.extend(body);
    packet
}

pub fn message(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut out = vec![kind];
    out.extend((4 + parts.iter().map(|part| part.len()).sum::<usize>() as u32).to_be_bytes());
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out
}

pub fn query(text: &str) -> Vec<u8> {
    message(b'Q', &[text.as_bytes(), b"\0"])
}

/// Parse, Bind, Describe, Execute, Sync of a named or unnamed statement.
pub fn extended(name: &str, text: &str) -> Vec<u8> {
    [message(b'P', &[name.as_bytes(), b"\0", text.as_bytes(), b"\0\0\0"]), bound(name)].concat()
}

pub fn bound(name: &str) -> Vec<u8> {
    let bind = message(b'B', &[b"\0", name.as_bytes(), b"\0\0\0\0\0\0\0"]);
    [bind, message(b'E', &[b"\0\0\0\0\0"]), message(b'S', &[])].concat()
}

/// The next whole message.
pub fn take(bytes: &mut Vec<u8>) -> Option<(u8, Vec<u8>)> {
    let length = u32::from_be_bytes(bytes.get(1..5)?.try_into().unwrap()) as usize;
    let body = bytes.get(5..1 + length)?.to_vec();
    let kind = bytes[0];
    bytes.drain(..1 + length);
    Some((kind, body))
}

/// A message in a word: its kind, and what matters of its body. `!` marks the last words of a session.
pub fn tell(kind: u8, body: &[u8]) -> String {
    let text =
        |bytes: &[u8]| String::from_utf8_lossy(bytes.strip_suffix(b"\0").unwrap_or(bytes)).replace(' ', "_");
    match kind {
        b'D' if body.len() > 200 => format!("D:{}", body.len() - 6),
        b'D' => format!("D:{}", text(&body[6..])),
        b'E' => {
            let code = body.split(|b| *b == 0).find(|field| field.first() == Some(&b'C'));
            let fatal = body.starts_with(b"SFATAL");
            format!("E:{}{}", text(&code.unwrap_or_default()[1..]), if fatal { "!" } else { "" })
        }
        _ if body.is_empty() => char::from(kind).to_string(),
        _ => format!("{}:{}", char::from(kind), text(body)),
    }
}
