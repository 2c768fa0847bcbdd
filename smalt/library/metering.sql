-- What was used: counts and times, never content.

-- name: add_usage
insert into smalt.usage_entry
  (tenant_id, id, turn_id, kind, engine, outcome, input_chars, output_chars, figures, traced, pages, elapsed_ms, at)
values
  (%(tenant_id)s, %(id)s, %(turn_id)s, %(kind)s, %(engine)s, %(outcome)s, %(input_chars)s, %(output_chars)s,
   %(figures)s, %(traced)s, %(pages)s, %(elapsed_ms)s, %(at)s);

-- name: list_usage
select id, turn_id, kind, engine, outcome, input_chars, output_chars, input_tokens, output_tokens, figures, traced,
       pages, elapsed_ms, at
from smalt.usage_entry
where tenant_id = %(tenant_id)s and id < %(before)s
order by id desc
limit %(limit)s;

-- name: usage_by_day
select (at at time zone 'UTC')::date as day, kind, engine, outcome, count(*)::bigint as uses,
       sum(input_chars)::bigint as input_chars, sum(output_chars)::bigint as output_chars,
       sum(input_tokens)::bigint as input_tokens, sum(output_tokens)::bigint as output_tokens,
       sum(figures)::bigint as figures, sum(traced)::bigint as traced, sum(pages)::bigint as pages,
       percentile_disc(0.5) within group (order by elapsed_ms)::bigint as median_ms
from smalt.usage_entry
where tenant_id = %(tenant_id)s and at >= %(since)s
group by 1, 2, 3, 4
order by 1 desc, 2, 3, 4;

-- name: median_by_engine
select engine, percentile_disc(0.5) within group (order by elapsed_ms)::bigint as median_ms
from smalt.usage_entry
where tenant_id = %(tenant_id)s and at >= %(since)s and engine is not null
group by engine;
