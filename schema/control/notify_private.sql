-- Sends a NOTIFY on the private channel that belongs to a public one.
create function bucardo.notify_private(channel text, payload text) returns void language sql as $$
    select pg_notify('bucardo_' || md5(word || channel), payload)
    from bucardo.channel_secret
$$;

-- The same on both: what programs of users listen for, too.
create function bucardo.notify_both(channel text, payload text) returns void language sql as $$
    select pg_notify(channel, payload);
    select bucardo.notify_private(channel, payload)
$$;
