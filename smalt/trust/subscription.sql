-- Who wants to hear of changes of the register of sub-processors, and who objects to one. Every statement names tenant_id.

-- name: subscribe
insert into smalt.register_subscription (tenant_id, person_id, told, created_at)
values (%(tenant_id)s, %(person_id)s, %(told)s, %(now)s)
on conflict (tenant_id, person_id) do nothing;

-- name: unsubscribe
delete from smalt.register_subscription where tenant_id = %(tenant_id)s and person_id = %(person_id)s;

-- name: subscription_of
select told, created_at from smalt.register_subscription
where tenant_id = %(tenant_id)s and person_id = %(person_id)s;

-- name: subscribers
-- Members who have not been told of everything up to an entry. Who was removed hears no more.
select s.person_id, s.told from smalt.register_subscription s
join smalt.person p on p.tenant_id = s.tenant_id and p.id = s.person_id
where s.tenant_id = %(tenant_id)s and s.told < %(newest)s and p.state = 1;

-- name: tell
update smalt.register_subscription set told = %(newest)s
where tenant_id = %(tenant_id)s and person_id = %(person_id)s and told < %(newest)s;

-- name: object
insert into smalt.register_objection (tenant_id, id, vendor, entry, person_id, reason, created_at)
values (%(tenant_id)s, %(id)s, %(vendor)s, %(entry)s, %(person_id)s, %(reason)s, %(now)s);

-- name: withdraw_objections
update smalt.register_objection set withdrawn_at = %(now)s
where tenant_id = %(tenant_id)s and vendor = %(vendor)s and withdrawn_at is null
returning id;

-- name: objections
select id, vendor, entry, reason, created_at from smalt.register_objection
where tenant_id = %(tenant_id)s and withdrawn_at is null
order by created_at desc, id desc
limit 200;
