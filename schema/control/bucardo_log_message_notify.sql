-- Tells the daemon that there is something in the letter box.
create function bucardo.bucardo_log_message_notify() returns trigger language plpgsql as $$
begin
    notify bucardo_log_message;
    return null;
end
$$;

create trigger bucardo_log_message_trigger after insert on bucardo.bucardo_log_message
    for each statement execute procedure bucardo.bucardo_log_message_notify();
