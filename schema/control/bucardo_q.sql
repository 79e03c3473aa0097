-- Wakes the kid for whom a job has been put into the queue.
create function bucardo.bucardo_q() returns trigger language plpgsql as $$
begin
    perform bucardo.notify_both(bucardo.fitted_name(format('bucardo_q_%s_%s', new.sync, new.targetdb)), '');
    return null;
end
$$;

create trigger bucardo_q after insert on bucardo.q for each row execute procedure bucardo.bucardo_q();
