-- What sync $1 asks for that this version stores and does not act on: a first copy, and cascading.
select onetimecopy <> 0, makedelta from bucardo.sync where name = $1
