"""A company with a long history, written set by set: what `bench.scale` reads.

All rows are made by INSERT ... SELECT; the same shares of everything whatever the size, spread over 30 days.
Rare things stay rare: one dispatch in twenty has messages that wait for a receipt, and only the very oldest
has some that wait for a carrier.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from bench.harness import say

FIRST = (
    "ARRAY['Ana','João','Maria','José','Antônia','Luís','Conceição','Sebastião','Inês','Lázaro','Brígida']"
)
LAST = (
    "ARRAY['da Silva','dos Santos','Oliveira','Souza','Pereira','Lima','Carvalho','Ferreira','Rocha','Dias']"
)
#: When row i of n was made: the n-th just now, the first 30 days ago.
BACK = "((i - {n}) * interval '30 days' / {n})"


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    notifications: int
    contacts: int

    @property
    def dispatches(self) -> int:
        return max(60, self.notifications // 10_000)

    @property
    def few(self) -> int:
        """Of what people make by hand: templates, files."""
        return max(60, self.notifications // 500)

    @property
    def many(self) -> int:
        """Of what happens by itself: opt-outs, movements of money, deliveries of webhooks."""
        return max(100, self.notifications // 50)


@dataclass(frozen=True)
class Made:
    """What the measured requests name."""

    list_id: UUID
    campaign_id: UUID
    webhook_id: UUID


def fill(connection: psycopg.Connection[Any], tenant_id: UUID, size: Size) -> Made:
    """Write all of it for this tenant, and ANALYZE."""
    say(f"{size.notifications:,} notifications, {size.contacts:,} contacts")
    run = _Writer(connection, tenant_id, size).run
    list_id = run("INSERT INTO contact_lists (id, tenant_id, name, contact_count, created_at, updated_at) "
                  "VALUES (uuidv7(), %(tenant)s, 'Clientes', %(contacts)s, now(), now()) RETURNING id")  # fmt: skip
    for table, statement in COUNTED.items():
        run(statement, n=getattr(size, TIMES[table]), list=list_id)
    webhook_id = run("""
        INSERT INTO webhook_endpoints (id, tenant_id, url, description, events, secret, failures, balance_low_micros,
                                       balance_is_low, created_at, updated_at)
        VALUES (uuidv7(), %(tenant)s, 'https://shop.example.com/hook', '', ARRAY['notification.status'], 'whsec_x', 0,
                0, false, now(), now()) RETURNING id""")
    connection.execute(
        "SET session_replication_role = replica"
    )  # no foreign keys: chunks and files are not read
    for table in ("contacts", "notifications"):
        with _without_indexes(connection, table):
            run(UNCOUNTED[table], n=getattr(size, table), list=list_id)
    for table in (
        "dispatches",
        "contact_imports",
        "ledger_transactions",
        "webhook_events",
        "webhook_deliveries",
    ):
        run(UNCOUNTED[table], n=getattr(size, TIMES[table]), list=list_id, webhook=webhook_id)
    run(ACCOUNT, n=size.many)
    connection.execute("SET session_replication_role = DEFAULT")
    campaign_id = run(
        "SELECT id FROM campaigns WHERE tenant_id = %(tenant)s ORDER BY id DESC OFFSET 8 LIMIT 1"
    )
    connection.commit()
    connection.autocommit = True
    connection.execute("VACUUM ANALYZE")
    return Made(list_id, campaign_id, webhook_id)


class _Writer:
    def __init__(self, connection: psycopg.Connection[Any], tenant_id: UUID, size: Size) -> None:
        self.connection, self.tenant_id, self.size = connection, tenant_id, size

    def run(self, statement: str, *, n: int = 0, **more: Any) -> Any:
        """Execute it; the first value of its answer, if it has one. `{n}` and `{back}` stand for numbers of ours."""
        text = statement.replace("{back}", BACK).replace("{n}", str(n))
        text = text.replace("{dispatches}", str(self.size.dispatches))
        values = {"tenant": self.tenant_id, "contacts": self.size.contacts, **more}
        cursor = self.connection.execute(text, values)
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


@contextmanager
def _without_indexes(connection: psycopg.Connection[Any], table: str) -> Iterator[None]:
    """Rows come in first and are indexed after, which is much less work."""
    found = connection.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index i "
        "WHERE indrelid = %s::regclass AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)",
        (table,),
    ).fetchall()
    for name, _ in found:
        connection.execute(f"DROP INDEX {name}")
    yield
    connection.execute("SET maintenance_work_mem = '256MB'")
    for _, definition in found:
        connection.execute(definition)


TIMES = {
    "templates": "few",
    "files": "few",
    "campaigns": "dispatches",
    "dispatches": "dispatches",
    "opt_outs": "many",
    "contact_imports": "dispatches",
    "ledger_transactions": "many",
    "webhook_events": "many",
    "webhook_deliveries": "many",
}

#: Tables with kept counts: their triggers run.
COUNTED = {
    "templates": """
        INSERT INTO templates (id, tenant_id, name, channel, content, variables, created_at, updated_at)
        SELECT uuidv7({back}), %(tenant)s, 'Oferta ' || i, CASE WHEN i %% 5 = 0 THEN 'rcs' ELSE 'sms' END,
               CASE WHEN i %% 5 = 0 THEN '{"type": "text", "text": {"body": "Oi"}}' ELSE '{"text": "Oi"}' END::jsonb,
               '[]', now(), now() FROM generate_series(1, {n}) i""",
    "files": """
        INSERT INTO files (id, tenant_id, kind, filename, content_type, size, status, upload_expires_at, created_at)
        SELECT uuidv7({back}), %(tenant)s, 'csv', i || '.csv', 'text/csv', 1000, 'uploaded', now(), now()
          FROM generate_series(1, {n}) i""",
    "campaigns": """
        INSERT INTO campaigns (id, tenant_id, name, channel, category, template_id, contact_list_id, status, made_by,
                               mode, max_delay_minutes, late_ok, created_at, updated_at)
        SELECT uuidv7({back}), %(tenant)s, 'Campanha ' || i, CASE WHEN i %% 20 = 7 THEN 'voice' ELSE 'sms' END,
               'marketing', (SELECT id FROM templates WHERE tenant_id = %(tenant)s LIMIT 1), %(list)s,
               CASE WHEN i = 1 THEN 'paused' WHEN i %% 10 = 3 THEN 'draft' ELSE 'completed' END,
               %(tenant)s, 'live', 60, false, now() + {back}, now() FROM generate_series(1, {n}) i""",
    "opt_outs": """
        INSERT INTO opt_outs (id, tenant_id, phone, channel, source, created_at)
        SELECT uuidv7({back}), %(tenant)s, '+5511' || (900000000 + i * 7), CASE WHEN i %% 4 = 0 THEN 'sms' END, 'api',
               now() FROM generate_series(1, {n}) i""",
}
UNCOUNTED = {
    "contacts": f"""
        INSERT INTO contacts (id, tenant_id, contact_list_id, name, email, phone, attributes, created_at, updated_at)
        SELECT uuidv7({{back}}), %(tenant)s, %(list)s,
               ({FIRST})[i %% 11 + 1] || ' ' || ({LAST})[i / 11 %% 10 + 1] || ' ' || chr(65 + i %% 26) || (i / 100),
               CASE WHEN i %% 2 = 0 THEN 'p' || i || '@example.com' END, '+5511' || (900000000 + i),
               '{{"Cidade": "Santos"}}', now(), now() FROM generate_series(1, {{n}}) i""",
    "notifications": """
        INSERT INTO notifications (id, tenant_id, dispatch_id, chunk_no, channel, phone, name, addressable, text,
                                   encoding, segments, price_micros, status, attempts, fence, carrier, external_id,
                                   created_at, sent_at, updated_at)
        SELECT uuidv7({back}), %(tenant)s, c.id, i / 1000, c.channel, '+5511' || (900000000 + i %% ({n} / 4)),
               'Maria da Silva', true, 'Oi, sua fatura vence amanhã na loja. Dúvidas? Responda esta mensagem.', 'gsm7',
               1, 80000,
               CASE WHEN c.no = 1 AND i %% 50 = 0 THEN 'queued' WHEN c.no %% 20 = 11 AND i %% 50 = 0 THEN 'sent'
                    WHEN i %% 100 < 5 THEN 'not_delivered' WHEN i %% 100 < 8 THEN 'error' WHEN i %% 100 < 10 THEN 'read'
                    WHEN i %% 1000 = 11 THEN 'unknown' WHEN i %% 1000 < 20 THEN 'suppressed' ELSE 'delivered' END,
               1, 1, 'simulator', CASE WHEN i %% 10 = 0 THEN 'order-' || i END, now() + {back}, now() + {back},
               now() + {back}
          FROM generate_series(1, {n}) i
          JOIN (SELECT id, channel, row_number() OVER (ORDER BY id) AS no FROM campaigns
                 WHERE tenant_id = %(tenant)s) c ON c.no = (i - 1) * {dispatches}::bigint / {n} + 1
         ORDER BY i""",
    # a campaign's dispatch goes under the campaign's own id here
    "dispatches": """
        INSERT INTO dispatches (id, tenant_id, campaign_id, channel, carrier, status, chunks, total, queued, sending,
                                sent, delivered, read, not_delivered, error, unknown, suppressed, canceled, segments,
                                price_micros, cost_micros, released_micros, created_at, updated_at)
        SELECT c.id, c.tenant_id, c.id, c.channel, 'simulator',
               CASE c.status WHEN 'paused' THEN 'paused' ELSE 'finished' END, 1,
               count(*), count(*) FILTER (WHERE n.status = 'queued'), 0, count(*) FILTER (WHERE n.status = 'sent'),
               count(*) FILTER (WHERE n.status = 'delivered'), count(*) FILTER (WHERE n.status = 'read'),
               count(*) FILTER (WHERE n.status = 'not_delivered'), count(*) FILTER (WHERE n.status = 'error'),
               count(*) FILTER (WHERE n.status = 'unknown'), count(*) FILTER (WHERE n.status = 'suppressed'), 0,
               count(*), 0, 0, 0, c.created_at, now()
          FROM campaigns c JOIN notifications n ON n.dispatch_id = c.id WHERE c.tenant_id = %(tenant)s
         GROUP BY c.id ORDER BY c.id""",
    "contact_imports": """
        INSERT INTO contact_imports (id, tenant_id, contact_list_id, file_id, status, mapping, on_duplicate, cursor,
                                     fence, total_rows, processed_rows, created_count, updated_count, skipped_count,
                                     rejected_count, opted_out_count, warnings, purpose, channels, created_at)
        SELECT uuidv7({back}), %(tenant)s, %(list)s, uuidv7(), 'completed', '{}', 'update', 0, 0, 0, 0, 0, 0, 0, 0, 0,
               '{}', 'contacts', '[]', now() FROM generate_series(1, {n}) i""",
    "ledger_transactions": """
        INSERT INTO ledger_transactions (id, tenant_id, kind, key, seq, amount_micros, available_after, reserved_after,
                                         overdraft_limit, memo, created_at)
        SELECT uuidv7({back}), %(tenant)s, 'credit', 'bulk:' || i, i, 1000000, i * 1000000::bigint, 0, 0, 'Pix', now()
          FROM generate_series(1, {n}) i""",
    "webhook_events": """
        INSERT INTO webhook_events (id, tenant_id, kind, subject_id, version, payload, created_at)
        SELECT uuidv7({back}), %(tenant)s, 'notification.status', uuidv7(), 'sent', '{}', now()
          FROM generate_series(1, {n}) i""",
    "webhook_deliveries": """
        INSERT INTO webhook_deliveries (id, tenant_id, endpoint_id, event_id, subject_id, seq, state, attempts,
                                        next_attempt_at, created_at)
        SELECT uuidv7(), %(tenant)s, %(webhook)s, id, subject_id, seq,
               CASE WHEN seq %% 50 = 0 THEN 'failed' ELSE 'delivered' END, 1, now(), now()
          FROM webhook_events WHERE tenant_id = %(tenant)s ORDER BY id""",
}  # fmt: skip
ACCOUNT = """
    INSERT INTO accounts (tenant_id, posted, held, overdraft_limit, version, updated_at)
    VALUES (%(tenant)s, {n} * 1000000::bigint, 0, 0, {n}, now())
    ON CONFLICT (tenant_id) DO UPDATE SET posted = excluded.posted, version = excluded.version"""
