//! sqlx, on one connection and on its pool.

use std::time::Duration;

use futures_util::TryStreamExt;
use sqlx::postgres::{
    PgConnectOptions, PgConnection, PgDatabaseError, PgListener, PgPoolCopyExt, PgPoolOptions, PgRow,
};
use sqlx::types::Json;
use sqlx::{Column, ConnectOptions, Connection, Executor, PgPool, Row, Statement, TypeInfo};

use crate::{Done, WRONG, section, sum};

pub async fn run() -> Done {
    let options = PgConnectOptions::new().statement_cache_capacity(4).disable_statement_logging();
    let mut connection = options.connect().await?;
    types(&mut connection).await?;
    prepared(&mut connection).await?;
    batches(&mut connection).await?;
    copy(&mut connection).await?;
    errors(&mut connection).await?;
    transactions(&mut connection).await?;
    big_rows(&mut connection).await?;
    connection.close().await?;
    let pool = PgPoolOptions::new().max_connections(3).connect_with(options).await?;
    pooled(&pool).await?;
    pool.close().await;
    notifications().await
}

/// What its macros ask when a program is compiled.
pub async fn describe() -> Done {
    section("describe");
    let mut connection = PgConnectOptions::new().connect().await?;
    let described = connection.describe("SELECT 1::int4 AS one, $1::int8 AS big").await?;
    for column in described.columns() {
        println!("{} {:?}", column.name(), column.type_info().name());
    }
    println!("{:?}", (described.nullable(0), described.nullable(1)));
    connection.close().await?;
    Ok(())
}

fn refused(error: &sqlx::Error) {
    let Some(told) = error.as_database_error().map(|error| error.downcast_ref::<PgDatabaseError>()) else {
        println!("failed {error}");
        return;
    };
    println!(
        "refused {:?} {} {} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
        told.severity(),
        told.code(),
        told.message(),
        told.detail(),
        told.hint(),
        told.position(),
        told.r#where(),
        told.table(),
        told.column(),
        told.constraint(),
    );
}

fn numbers(rows: Result<Vec<PgRow>, sqlx::Error>) {
    match rows {
        Ok(rows) => println!("{:?}", rows.iter().map(|row| row.get::<i32, _>(0)).collect::<Vec<_>>()),
        Err(error) => refused(&error),
    }
}

async fn raw(connection: &mut PgConnection, text: &str) {
    match connection.execute(text).await {
        Ok(done) => println!("{}", done.rows_affected()),
        Err(error) => refused(&error),
    }
}

async fn types(connection: &mut PgConnection) -> Done {
    section("types");
    let row = sqlx::query(
        "SELECT $1::int2, $2::int8, $3::float8, $4::bool, $5::text, $6::bytea, $7::int[], $8::text[], $9::jsonb, $10::text",
    )
    .bind(-7_i16)
    .bind(1_i64 << 40)
    .bind(1.5_f64)
    .bind(true)
    .bind("ünï\n'")
    .bind(vec![0_u8, 255])
    .bind(vec![Some(1_i32), None])
    .bind(vec!["a".to_owned(), "b".to_owned()])
    .bind(Json(serde_json::json!({"a": [1, null]})))
    .bind(None::<String>)
    .fetch_one(&mut *connection)
    .await?;
    for column in row.columns() {
        println!("{} {}", column.name(), column.type_info().name());
    }
    println!(
        "{} {} {} {} {:?} {:?} {:?} {:?} {} {:?}",
        row.get::<i16, _>(0),
        row.get::<i64, _>(1),
        row.get::<f64, _>(2),
        row.get::<bool, _>(3),
        row.get::<String, _>(4),
        row.get::<Vec<u8>, _>(5),
        row.get::<Vec<Option<i32>>, _>(6),
        row.get::<Vec<String>, _>(7),
        row.get::<Json<serde_json::Value>, _>(8).0,
        row.get::<Option<String>, _>(9),
    );
    Ok(())
}

async fn prepared(connection: &mut PgConnection) -> Done {
    section("prepared");
    // More than the cache holds: the oldest are closed all the time.
    for value in 0..24 {
        let text = format!("SELECT {} + $1::int4", value % 7);
        numbers(sqlx::query(&text).bind(value).fetch_all(&mut *connection).await);
        numbers(sqlx::query(&text).bind(value).persistent(false).fetch_all(&mut *connection).await);
    }
    println!("cached {}", connection.cached_statements_size());
    connection.clear_cached_statements().await?;
    let statement = connection.prepare("SELECT $1::int4 * 2").await?;
    println!("{:?}", statement.parameters().is_some());
    numbers(statement.query().bind(21).fetch_all(&mut *connection).await);
    if let Err(error) = connection.prepare("SELECT no_such").await {
        refused(&error);
    }
    Ok(())
}

async fn batches(connection: &mut PgConnection) -> Done {
    section("batches");
    raw(connection, "CREATE TABLE sqlx_batches (a int4 PRIMARY KEY)").await;
    raw(connection, "INSERT INTO sqlx_batches VALUES (1); INSERT INTO sqlx_batches VALUES (2), (3)").await;
    raw(connection, "INSERT INTO sqlx_batches VALUES (4); INSERT INTO sqlx_batches VALUES (1)").await;
    let mut insert = sqlx::QueryBuilder::new("INSERT INTO sqlx_batches (a) ");
    insert.push_values(100..600, |mut row, value: i32| {
        row.push_bind(value);
    });
    println!("{}", insert.build().execute(&mut *connection).await?.rows_affected());
    let values: Vec<i32> = (1000..1500).collect();
    let insert = sqlx::query("INSERT INTO sqlx_batches SELECT * FROM UNNEST($1::int4[])").bind(values);
    println!("{}", insert.execute(&mut *connection).await?.rows_affected());
    let text = "SELECT count(*)::int4 FROM sqlx_batches UNION ALL SELECT sum(a)::int4 FROM sqlx_batches";
    numbers(sqlx::query(text).fetch_all(&mut *connection).await);
    raw(connection, "DROP TABLE sqlx_batches").await;
    Ok(())
}

async fn copy(connection: &mut PgConnection) -> Done {
    section("copy");
    raw(connection, "CREATE TABLE sqlx_copy (a int4 CHECK (a <> 13), b text)").await;
    let good: String = (100..5100).map(|value| format!("{value}\tline {value}\n")).collect();
    for text in [good.as_str(), "13\tx\n", "none\tx\n", "14\t\\N\n"] {
        let mut copying = connection.copy_in_raw("COPY sqlx_copy FROM STDIN").await?;
        copying.send(text.as_bytes()).await?;
        match copying.finish().await {
            Ok(count) => println!("copied {count}"),
            Err(error) => refused(&error),
        }
    }
    let mut copying = connection.copy_in_raw("COPY sqlx_copy FROM STDIN").await?;
    copying.send(&b"15\tgiven up\n"[..]).await?;
    if let Err(error) = copying.abort("the source is dry").await {
        refused(&error);
    }
    let copied = connection.copy_out_raw("COPY (SELECT * FROM sqlx_copy ORDER BY a) TO STDOUT").await?;
    println!("{}", sum(&String::from_utf8(copied.try_collect::<Vec<_>>().await?.concat())?));
    raw(connection, "DROP TABLE sqlx_copy").await;
    Ok(())
}

async fn errors(connection: &mut PgConnection) -> Done {
    section("errors");
    for text in WRONG {
        raw(connection, text).await;
        numbers(sqlx::query(text).fetch_all(&mut *connection).await);
        numbers(sqlx::query("SELECT $1::int4").bind(1).fetch_all(&mut *connection).await);
    }
    for divisor in [1, 0, 1] {
        numbers(sqlx::query("SELECT 1 / $1::int4").bind(divisor).fetch_all(&mut *connection).await);
    }
    Ok(())
}

async fn transactions(connection: &mut PgConnection) -> Done {
    section("transactions");
    raw(connection, "CREATE TABLE sqlx_transactions (a int4 UNIQUE)").await;
    let mut outer = connection.begin().await?;
    outer.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE").await?;
    for value in [1, 1, 2] {
        let mut inner = outer.begin().await?;
        match sqlx::query("INSERT INTO sqlx_transactions VALUES ($1)").bind(value).execute(&mut *inner).await
        {
            Ok(done) => {
                println!("inserted {}", done.rows_affected());
                inner.commit().await?;
            }
            Err(error) => refused(&error), // dropped: rolled back
        }
    }
    numbers(sqlx::query("SELECT i FROM generate_series(1, 25) i").fetch(&mut *outer).try_collect().await);
    outer.commit().await?;
    let mut dropped = connection.begin().await?;
    dropped.execute("INSERT INTO sqlx_transactions VALUES (9)").await?;
    drop(dropped);
    numbers(sqlx::query("SELECT a FROM sqlx_transactions ORDER BY a").fetch_all(&mut *connection).await);
    let mut read_only = connection.begin_with("BEGIN READ ONLY").await?;
    raw(&mut read_only, "INSERT INTO sqlx_transactions VALUES (3)").await;
    read_only.rollback().await?;
    raw(connection, "DROP TABLE sqlx_transactions").await;
    Ok(())
}

async fn big_rows(connection: &mut PgConnection) -> Done {
    section("big_rows");
    let text: String = sqlx::query_scalar("SELECT repeat('x', 8000000)").fetch_one(&mut *connection).await?;
    println!("{}", sum(&text));
    let sent = "ü".repeat(1_500_000);
    let text: String =
        sqlx::query_scalar("SELECT $1::text || 'end'").bind(sent).fetch_one(&mut *connection).await?;
    println!("{}", sum(&text));
    let wide = format!("SELECT '{}'", "z".repeat(2_000_000));
    let row = connection.fetch_one(wide.as_str()).await?;
    println!("{}", sum(row.get(0)));
    let mut rows =
        sqlx::query("SELECT repeat('y', i % 3000) FROM generate_series(1, 5000) i").fetch(&mut *connection);
    let mut length = 0;
    while let Some(row) = rows.try_next().await? {
        length += row.get::<&str, _>(0).len();
    }
    println!("{length}");
    Ok(())
}

async fn pooled(pool: &PgPool) -> Done {
    section("batches");
    let asked =
        (0..60).map(|value| sqlx::query_scalar::<_, i32>("SELECT $1::int4 * 2").bind(value).fetch_one(pool));
    println!("pool {:?}", futures_util::future::try_join_all(asked).await?);
    section("copy");
    let copied = pool.copy_out_raw("COPY (SELECT 1) TO STDOUT").await?;
    println!("pool {:?}", copied.try_collect::<Vec<_>>().await?.concat());
    section("cancel");
    // It has no cancel of its own: who gives up leaves the answer to whoever gets the connection next.
    let asleep = sqlx::query("SELECT pg_sleep(0.4)").execute(pool);
    println!("given up {}", tokio::time::timeout(Duration::from_millis(50), asleep).await.is_err());
    println!("{}", sqlx::query_scalar::<_, i32>("SELECT 7").fetch_one(pool).await?);
    Ok(())
}

async fn notifications() -> Done {
    section("notifications");
    let options = PgPoolOptions::new().max_connections(2);
    let pool = options.connect_with(PgConnectOptions::new()).await?;
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.listen_all(["sqlx_channel", "Sqlx two"]).await?;
    sqlx::query("SELECT pg_notify('sqlx_channel', $1), pg_notify('Sqlx two', 'two')")
        .bind("one")
        .execute(&pool)
        .await?;
    for _ in 0..2 {
        let heard = listener.recv().await?;
        println!("{} {}", heard.channel(), heard.payload());
    }
    listener.unlisten_all().await?;
    Ok(())
}
