//! tokio-postgres: it pipelines what is asked at once.

use std::env;
use std::time::{Duration, SystemTime};

use futures_util::future::{join_all, poll_fn};
use futures_util::{SinkExt, TryStreamExt, pin_mut, stream};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_postgres::types::{Json, ToSql, Type};
use tokio_postgres::{
    AsyncMessage, Client, Config, Error, IsolationLevel, NoTls, Notification, Row, SimpleQueryMessage,
};

use crate::{Done, WRONG, section, sum};

async fn connect() -> Result<(Client, UnboundedReceiver<Notification>), Box<dyn std::error::Error>> {
    let (client, mut connection) = Config::new()
        .host(env::var("PGHOST")?)
        .port(env::var("PGPORT")?.parse()?)
        .user(env::var("PGUSER")?)
        .password(env::var("PGPASSWORD")?)
        .dbname(env::var("PGDATABASE")?)
        .connect(NoTls)
        .await?;
    let (heard, hearing) = unbounded_channel();
    tokio::spawn(async move {
        while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
            match message {
                AsyncMessage::Notification(notification) => drop(heard.send(notification)),
                AsyncMessage::Notice(notice) => println!("notice {} {}", notice.severity(), notice.message()),
                _ => {}
            }
        }
    });
    Ok((client, hearing))
}

pub async fn run() -> Done {
    let (mut client, mut hearing) = connect().await?;
    types(&client).await?;
    prepared(&client).await?;
    batches(&client).await?;
    pipelines(&client).await?;
    copy(&client).await?;
    errors(&client).await?;
    cancel(&client).await?;
    transactions(&mut client).await?;
    big_rows(&client).await?;
    notifications(&client, &mut hearing).await
}

fn refused(error: &Error) {
    match error.as_db_error() {
        Some(told) => println!(
            "refused {} {} {} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
            told.severity(),
            told.code().code(),
            told.message(),
            told.detail(),
            told.hint(),
            told.position(),
            told.where_(),
            told.table(),
            told.column(),
            told.constraint(),
        ),
        None => println!("failed {error}"),
    }
}

async fn simple(client: &Client, text: &str) {
    match client.simple_query(text).await {
        Ok(messages) => {
            for message in messages {
                match message {
                    SimpleQueryMessage::Row(row) => {
                        println!("{:?}", (0..row.len()).map(|column| row.get(column)).collect::<Vec<_>>());
                    }
                    SimpleQueryMessage::CommandComplete(count) => println!("complete {count}"),
                    _ => {}
                }
            }
        }
        Err(error) => refused(&error),
    }
}

fn number(row: Result<Row, Error>) {
    match row {
        Ok(row) => println!("{:?}", row.get::<_, Option<i32>>(0)),
        Err(error) => refused(&error),
    }
}

async fn types(client: &Client) -> Done {
    section("types");
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_717_243_200);
    let row = client
        .query_one(
            "SELECT $1::int2, $2::int8, $3::float8, $4::bool, $5::text, $6::bytea, $7::timestamptz, $8::int[],
             $9::text[], $10::jsonb, $11::inet, $12::text",
            &[
                &-7_i16,
                &(1_i64 << 40),
                &1.5_f64,
                &true,
                &"ünï\n'",
                &&[0_u8, 255][..],
                &time,
                &vec![Some(1_i32), None],
                &vec!["a", "b"],
                &Json(serde_json::json!({"a": [1, null]})),
                &"10.0.0.1".parse::<std::net::IpAddr>()?,
                &None::<&str>,
            ],
        )
        .await?;
    for column in row.columns() {
        println!("{} {}", column.name(), column.type_());
    }
    println!(
        "{} {} {} {} {:?} {:?} {:?} {:?} {:?} {} {} {:?}",
        row.get::<_, i16>(0),
        row.get::<_, i64>(1),
        row.get::<_, f64>(2),
        row.get::<_, bool>(3),
        row.get::<_, &str>(4),
        row.get::<_, &[u8]>(5),
        row.get::<_, SystemTime>(6).duration_since(SystemTime::UNIX_EPOCH)?,
        row.get::<_, Vec<Option<i32>>>(7),
        row.get::<_, Vec<&str>>(8),
        row.get::<_, Json<serde_json::Value>>(9).0,
        row.get::<_, std::net::IpAddr>(10),
        row.get::<_, Option<&str>>(11),
    );
    client.batch_execute("CREATE TYPE tokio_mood AS ENUM ('sad', 'happy')").await?;
    // The driver asks the catalogue what the type is.
    let statement = client.prepare("SELECT 'sad'::tokio_mood, $1::tokio_mood").await?;
    println!("{:?} {:?}", statement.params()[0].kind(), statement.columns()[1].type_().name());
    drop(statement);
    client.batch_execute("DROP TYPE tokio_mood").await?;
    simple(client, "SELECT 1; SELECT 'two', NULL; SELECT WHERE false").await;
    Ok(())
}

async fn prepared(client: &Client) -> Done {
    section("prepared");
    let mut kept = Vec::new();
    for value in 0..20 {
        kept.push(client.prepare_typed(&format!("SELECT {value} + $1::int"), &[Type::INT4]).await?);
    }
    for round in 0..2 {
        for statement in &kept {
            number(client.query_one(statement, &[&round]).await);
        }
    }
    drop(kept);
    if let Err(error) = client.prepare("SELECT no_such").await {
        refused(&error);
    }
    let typed = client.query_typed("SELECT $1 + 1", &[(&41_i32, Type::INT4)]).await?;
    println!("{}", typed[0].get::<_, i32>(0));
    Ok(())
}

async fn batches(client: &Client) -> Done {
    section("batches");
    simple(client, "CREATE TABLE tokio_batches (a int PRIMARY KEY)").await;
    simple(client, "INSERT INTO tokio_batches VALUES (1); INSERT INTO tokio_batches VALUES (2), (3)").await;
    simple(client, "INSERT INTO tokio_batches VALUES (4); INSERT INTO tokio_batches VALUES (1)").await;
    simple(
        client,
        "BEGIN; INSERT INTO tokio_batches VALUES (5); ROLLBACK; INSERT INTO tokio_batches VALUES (6)",
    )
    .await;
    simple(client, "SELECT a FROM tokio_batches ORDER BY a; DROP TABLE tokio_batches").await;
    Ok(())
}

async fn pipelines(client: &Client) -> Done {
    section("pipelines");
    let divide = client.prepare("SELECT 100 / $1::int").await?;
    let divisors: Vec<i32> = (0..60).map(|value| value % 7).collect();
    let parameters: Vec<[&(dyn ToSql + Sync); 1]> = divisors.iter().map(|divisor| [divisor as _]).collect();
    for row in join_all(parameters.iter().map(|parameters| client.query_one(&divide, parameters))).await {
        number(row);
    }
    // Prepared and run by several at once.
    let texts: Vec<String> = (0..20).map(|value| format!("SELECT {} / {}", value, value % 5)).collect();
    for row in join_all(texts.iter().map(|text| client.query_one(text.as_str(), &[]))).await {
        number(row);
    }
    Ok(())
}

async fn copy(client: &Client) -> Done {
    section("copy");
    simple(client, "CREATE TABLE tokio_copy (a int CHECK (a <> 13), b text)").await;
    let good: Vec<String> = (100..5100).map(|value| format!("{value}\tline {value}\n")).collect();
    for lines in [good, vec!["13\tx\n".into()], vec!["none\tx\n".into()], vec!["14\t\\N\n".into()]] {
        let sink = client.copy_in::<_, std::io::Cursor<Vec<u8>>>("COPY tokio_copy FROM STDIN").await?;
        pin_mut!(sink);
        let mut all = stream::iter(
            lines.into_iter().map(|line| Ok::<_, Error>(std::io::Cursor::new(line.into_bytes()))),
        );
        let copied = match sink.send_all(&mut all).await {
            Ok(()) => sink.finish().await,
            Err(error) => Err(error),
        };
        match copied {
            Ok(count) => println!("copied {count}"),
            Err(error) => refused(&error),
        }
        simple(client, "SELECT count(*), sum(a) FROM tokio_copy").await;
    }
    {
        // Given up in the middle: the server is told so.
        let sink = client.copy_in::<_, std::io::Cursor<Vec<u8>>>("COPY tokio_copy FROM STDIN").await?;
        pin_mut!(sink);
        sink.send(std::io::Cursor::new(b"15\tgiven up\n".to_vec())).await?;
    }
    simple(client, "SELECT count(*) FROM tokio_copy").await;
    let out = client.copy_out("COPY (SELECT * FROM tokio_copy ORDER BY a) TO STDOUT").await?;
    let parts = out.try_collect::<Vec<_>>().await?;
    println!("{}", sum(&String::from_utf8(parts.concat())?));
    simple(client, "DROP TABLE tokio_copy").await;
    Ok(())
}

async fn errors(client: &Client) -> Done {
    section("errors");
    client.batch_execute("DO $$BEGIN RAISE NOTICE 'hello'; END$$").await?;
    for text in WRONG {
        simple(client, text).await;
        number(client.query_one("SELECT 1", &[]).await);
        number(client.query_one(text, &[]).await);
        number(client.query_one("SELECT 1", &[]).await);
    }
    Ok(())
}

async fn cancel(client: &Client) -> Done {
    section("cancel");
    for extended in [false, true] {
        let sleeping = async {
            if extended {
                client.execute("SELECT pg_sleep(60)", &[]).await.map(drop)
            } else {
                client.batch_execute("SELECT pg_sleep(60)").await
            }
        };
        let waking = async {
            loop {
                tokio::time::sleep(Duration::from_millis(300)).await;
                let _ = client.cancel_token().cancel_query(NoTls).await;
            }
        };
        tokio::select! {
            ended = sleeping => if let Err(error) = ended { refused(&error) },
            () = waking => {},
        }
        simple(client, "SELECT 'still here'").await;
    }
    Ok(())
}

async fn transactions(client: &mut Client) -> Done {
    section("transactions");
    simple(client, "CREATE TABLE tokio_transactions (a int UNIQUE)").await;
    let mut outer = client.build_transaction().isolation_level(IsolationLevel::Serializable).start().await?;
    println!("{}", outer.query_one("SHOW transaction_isolation", &[]).await?.get::<_, &str>(0));
    outer.execute("INSERT INTO tokio_transactions VALUES ($1)", &[&1_i32]).await?;
    for value in [1, 2] {
        let inner = outer.transaction().await?;
        match inner.execute("INSERT INTO tokio_transactions VALUES ($1)", &[&value]).await {
            Ok(count) => {
                println!("inserted {count}");
                inner.commit().await?;
            }
            Err(error) => {
                refused(&error);
                inner.rollback().await?;
            }
        }
    }
    let portal = outer.bind("SELECT i FROM generate_series(1, 25) i", &[]).await?;
    for _ in 0..3 {
        let rows = outer.query_portal(&portal, 10).await?;
        println!("{:?}", rows.iter().map(|row| row.get::<_, i32>(0)).collect::<Vec<_>>());
    }
    outer.commit().await?;
    {
        let dropped = client.transaction().await?;
        dropped.execute("INSERT INTO tokio_transactions VALUES (9)", &[]).await?;
    }
    let read_only = client.build_transaction().read_only(true).start().await?;
    if let Err(error) = read_only.execute("INSERT INTO tokio_transactions VALUES (3)", &[]).await {
        refused(&error);
    }
    read_only.rollback().await?;
    simple(client, "SELECT a FROM tokio_transactions ORDER BY a; DROP TABLE tokio_transactions").await;
    Ok(())
}

async fn big_rows(client: &Client) -> Done {
    section("big_rows");
    let row = client.query_one("SELECT repeat('x', 8000000)", &[]).await?;
    println!("{}", sum(row.get(0)));
    let row = client.query_one("SELECT $1::text || 'end'", &[&"ü".repeat(1_500_000)]).await?;
    println!("{}", sum(row.get(0)));
    let rows = client.simple_query(&format!("SELECT '{}'", "z".repeat(2_000_000))).await?;
    let found = rows.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    println!("{}", sum(found.unwrap_or_default()));
    let rows = client.query("SELECT i, repeat('y', i % 3000) FROM generate_series(1, 5000) i", &[]).await?;
    println!("{} {}", rows.len(), rows.iter().map(|row| row.get::<_, &str>(1).len()).sum::<usize>());
    Ok(())
}

async fn notifications(client: &Client, hearing: &mut UnboundedReceiver<Notification>) -> Done {
    section("notifications");
    client.batch_execute("LISTEN tokio_channel").await?;
    client.execute("SELECT pg_notify('tokio_channel', $1)", &[&"one"]).await?;
    client.batch_execute("NOTIFY tokio_channel, 'two'; NOTIFY tokio_other, 'unheard'").await?;
    for _ in 0..2 {
        let heard = hearing.recv().await.ok_or("the connection is gone")?;
        println!("{} {}", heard.channel(), heard.payload());
    }
    client.batch_execute("UNLISTEN *").await?;
    Ok(())
}
