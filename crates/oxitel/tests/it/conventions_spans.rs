//! Spans of databases and jobs, and what is told of them while they run.

use crate::session::{PATIENCE, Session};
use oxitel::conventions::{
    BackgroundJobType, DbOperation, background_span, db, db_query_span, db_span,
    record_background_metrics, record_db_metrics,
};
use oxitel::testing::proto::trace::v1::status::StatusCode;
use oxitel::{Redaction, Scope, context};
use std::thread;
use tokio::task::yield_now;

static SCOPE: Scope = Scope::new("conventions");

#[test]
fn operations_of_a_store_have_the_names_and_attributes_of_the_conventions() {
    let session = Session::start();
    {
        let _get = db_span(DbOperation::Get, Some("articles"), Some("tenant-123")).entered();
        record_db_metrics(Some(1), None);
    }
    drop(db_span(DbOperation::Put, Some("entities"), None).stored_at("/var/lib/store"));
    drop(db_span(DbOperation::Scan, Some("resources"), None));
    drop(db_span(DbOperation::Delete, Some("articles"), None));
    {
        let _batch = db_span(DbOperation::BatchWrite, None, None).batch_size(3).entered();
        record_db_metrics(None, Some(3));
    }
    drop(db_span(DbOperation::BatchWrite, None, None).batch_size(1));
    insta::assert_snapshot!(session.tree(), @r#"
    it: get articles (internal) db.system.name=rocksdb db.operation.name=get db.collection.name=articles db.namespace=tenant-123 db.response.returned_rows=1
    it: put entities (internal) db.system.name=rocksdb db.operation.name=put db.collection.name=entities server.address=/var/lib/store
    it: scan resources (internal) db.system.name=rocksdb db.operation.name=scan db.collection.name=resources
    it: delete articles (internal) db.system.name=rocksdb db.operation.name=delete db.collection.name=articles
    it: batch_write (internal) db.system.name=rocksdb db.operation.name=batch_write db.operation.batch.size=3 db.response.affected_rows=3
    it: batch_write (internal) db.system.name=rocksdb db.operation.name=batch_write
    "#);
}

#[test]
fn a_statement_is_sent_without_its_literals() {
    let session = Session::start();
    {
        let sql = "SELECT * FROM articles WHERE author = 'Jane' AND age > 42";
        let _query = db_query_span(sql, "articles", Some("tenant-123")).entered();
        record_db_metrics(Some(2), None);
    }
    insta::assert_snapshot!(session.tree(), @r#"it: query articles (internal) db.system.name=rocksdb db.operation.name=query db.collection.name=articles db.namespace=tenant-123 db.query.text="SELECT * FROM articles WHERE author = ? AND age > ?" db.response.returned_rows=2"#);
}

/// What may identify people can be kept at home, one name each.
#[test]
fn a_program_keeps_the_names_of_tenants_to_itself() {
    let redaction = Redaction::default().key(db::NAMESPACE).key(db::SERVER_ADDRESS);
    let session = Session::with(|config| config.redaction(redaction));
    drop(db_span(DbOperation::Get, Some("articles"), Some("jane")).stored_at("/home/jane/store"));
    insta::assert_snapshot!(session.tree(), @r#"it: get articles (internal) db.system.name=rocksdb db.operation.name=get db.collection.name=articles db.namespace="[redacted]" server.address="[redacted]""#);
}

#[test]
fn rows_go_to_the_innermost_operation_whatever_spans_are_between() {
    let session = Session::start();
    {
        let _scan = db_span(DbOperation::Scan, Some("outer"), None).entered();
        {
            let mut get = db_span(DbOperation::Get, Some("inner"), None);
            let _current = get.enter();
            let _other = SCOPE.enter("a span of the program's own");
            record_db_metrics(Some(1), None);
        }
        record_db_metrics(Some(7), None);
        record_db_metrics(None, Some(2));
    }
    record_db_metrics(Some(99), Some(99));
    insta::assert_snapshot!(session.tree(), @r#"
    it: scan outer (internal) db.system.name=rocksdb db.operation.name=scan db.collection.name=outer db.response.returned_rows=7 db.response.affected_rows=2
      it: get inner (internal) db.system.name=rocksdb db.operation.name=get db.collection.name=inner db.response.returned_rows=1
        it: a span of the program's own (internal)
    "#);
}

#[test]
fn guards_that_are_dropped_in_the_wrong_order_do_not_swap_their_rows() {
    let session = Session::start();
    let outer = db_span(DbOperation::Scan, Some("outer"), None).entered();
    record_db_metrics(Some(1), None);
    let inner = db_span(DbOperation::Get, Some("inner"), None).entered();
    record_db_metrics(Some(2), None);
    drop(outer);
    record_db_metrics(Some(3), None);
    drop(inner);
    insta::assert_snapshot!(session.tree(), @r#"
    it: scan outer (internal) db.system.name=rocksdb db.operation.name=scan db.collection.name=outer db.response.returned_rows=1
      it: get inner (internal) db.system.name=rocksdb db.operation.name=get db.collection.name=inner db.response.returned_rows=3
    "#);
}

#[test]
fn jobs_have_their_type_target_and_result() {
    let session = Session::start();
    {
        let _job = background_span(BackgroundJobType::IndexBuild, "hnsw").entered();
        record_background_metrics(None, None, "started");
        record_background_metrics(Some(120), Some(31), "success");
    }
    {
        let _job = background_span(BackgroundJobType::EmbeddingGenerate, "batch").entered();
        record_background_metrics(Some(9), None, "failed");
    }
    {
        let _job = background_span(BackgroundJobType::WalFlush, "wal").entered();
        record_background_metrics(Some(4), Some(2), "partial");
    }
    drop(background_span(BackgroundJobType::IndexKeyRebuild, "all"));
    insta::assert_snapshot!(session.tree(), @r#"
    it: index.build hnsw (internal) job.type=index.build job.target=hnsw job.batch_size=120 job.duration_ms=31 job.status=success
      · job.started
    it: embedding.generate batch (internal) [error] job.type=embedding.generate job.target=batch job.batch_size=9 job.status=failed
    it: wal.flush wal (internal) job.type=wal.flush job.target=wal job.batch_size=4 job.duration_ms=2 job.status=partial
    it: index.key.rebuild all (internal) job.type=index.key.rebuild job.target=all
    "#);
}

fn fails_on_the_way() -> Result<(), std::fmt::Error> {
    let _job = background_span(BackgroundJobType::IndexBuild, "hnsw").entered();
    record_background_metrics(None, None, "started");
    Err(std::fmt::Error)
}

/// `started` is a beginning, not an end: no span arrives with it.
#[test]
fn a_job_that_never_told_its_end_has_failed() {
    let session = Session::start();
    fails_on_the_way().expect_err("it fails");
    let panicked = thread::spawn(|| {
        let _job = background_span(BackgroundJobType::IndexSave, "articles").entered();
        record_background_metrics(None, None, "started");
        // Not a panic of `panic!`: that would be printed.
        std::panic::resume_unwind(Box::new("gives up"));
    });
    assert!(panicked.join().is_err());
    let job = background_span(BackgroundJobType::IndexLoad, "articles");
    let mut given_up = Box::pin(job.instrument(async {
        record_background_metrics(None, None, "started");
        std::future::pending::<()>().await;
    }));
    block_on(async {
        tokio::select! {
            biased;
            () = &mut given_up => unreachable!("it never ends"),
            () = yield_now() => {}
        }
    });
    drop(given_up);
    {
        let mut job = background_span(BackgroundJobType::DbCompact, "articles").entered();
        record_background_metrics(None, None, "started");
        job.record_error(&std::fmt::Error);
    }
    oxitel::flush(PATIENCE).expect("delivered");
    session.verify();
    let spans = session.receiver.spans();
    assert_eq!(spans.len(), 4);
    for record in spans {
        let status = record.span.status.clone().expect("a status");
        assert_eq!(status.code(), StatusCode::Error, "{record:?}");
        let is_compaction = record.span.name.starts_with("db.compact");
        let expected = if is_compaction { "an error occurred" } else { "the job began and did" };
        assert!(status.message.starts_with(expected), "{status:?}");
        assert!(format!("{:?}", record.attribute("job.status")).contains("failed"), "{record:?}");
        assert!(record.span.events.iter().any(|event| event.name == "job.started"), "{record:?}");
    }
}

#[test]
fn a_job_of_another_thread_points_at_the_span_that_submitted_it() {
    let session = Session::start();
    {
        let submit = SCOPE.enter("submit");
        let submitter = submit.context();
        assert_eq!(context::capture().span_context(), &submitter);
        let worker = thread::spawn(move || {
            let job = background_span(BackgroundJobType::EmbeddingGenerate, "articles");
            let _job = job.submitted_by(&submitter).entered();
            let _get = db_span(DbOperation::Get, Some("articles"), None).entered();
            record_db_metrics(Some(1), None);
            record_background_metrics(Some(1), Some(0), "success");
        });
        worker.join().expect("no panic");
    }
    oxitel::flush(PATIENCE).expect("delivered");
    let spans = session.receiver.spans();
    let find = |name: &str| spans.iter().find(|it| it.span.name == name).expect("it arrived");
    let (submit, job) = (find("submit"), find("embedding.generate articles"));
    assert_eq!(job.span.links[0].span_id, submit.span.span_id);
    assert_eq!(job.span.links[0].trace_id, submit.span.trace_id);
    assert!(job.span.parent_span_id.is_empty(), "a trace of its own");
    assert_eq!(find("get articles").span.parent_span_id, job.span.span_id);
}

fn block_on(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(work);
}

async fn job(target: &'static str, items: u64) {
    let work = async {
        record_background_metrics(None, None, "started");
        yield_now().await;
        for row in 1..=items {
            let get = db_span(DbOperation::Get, Some(target), None).instrument(async {
                yield_now().await;
                record_db_metrics(Some(row), None);
                yield_now().await;
            });
            get.await;
        }
        record_background_metrics(Some(items), Some(0), "success");
        yield_now().await;
    };
    background_span(BackgroundJobType::IndexBuild, target).instrument(work).await;
}

#[test]
fn tasks_that_take_turns_on_one_thread_keep_their_spans_and_results_apart() {
    let session = Session::start();
    block_on(async {
        let one = tokio::spawn(job("one", 2));
        let two = tokio::spawn(job("two", 3));
        one.await.expect("no panic");
        two.await.expect("no panic");
    });
    insta::assert_snapshot!(session.tree(), @r#"
    it: index.build one (internal) job.type=index.build job.target=one job.batch_size=2 job.duration_ms=0 job.status=success
      · job.started
      it: get one (internal) db.system.name=rocksdb db.operation.name=get db.collection.name=one db.response.returned_rows=1
      it: get one (internal) db.system.name=rocksdb db.operation.name=get db.collection.name=one db.response.returned_rows=2
    it: index.build two (internal) job.type=index.build job.target=two job.batch_size=3 job.duration_ms=0 job.status=success
      · job.started
      it: get two (internal) db.system.name=rocksdb db.operation.name=get db.collection.name=two db.response.returned_rows=1
      it: get two (internal) db.system.name=rocksdb db.operation.name=get db.collection.name=two db.response.returned_rows=2
      it: get two (internal) db.system.name=rocksdb db.operation.name=get db.collection.name=two db.response.returned_rows=3
    "#);
}
