-- Compares and swaps one record, and updates the index of its bucket.
--
-- KEYS  1 the record; the bucket's sets: 2 keys, 3 due, 4 attention, 5 expiring
-- ARGV  1 the expected head, '' for no record; 2 the new record, '' to delete it
--       3 keep_until or ''; 4 due or ''; 5 attention, '1' or ''
--       6 the id; 7 the prefix of the names in this bucket; 8 the channel; 9 the message for it
--
-- Returns 1 if the swap was made, and otherwise a list with the existing record.

local there = redis.call('GETRANGE', KEYS[1], 0, 16)
if there ~= ARGV[1] then
    return { redis.call('GET', KEYS[1]) }
end

local function forget(call, id)
    for set = 2, 5 do
        call('ZREM', KEYS[set], id)
    end
end

local function note(set, id, score)
    if score == '' then
        redis.call('ZREM', KEYS[set], id)
    else
        redis.call('ZADD', KEYS[set], score, id)
    end
end

local id = ARGV[6]
if ARGV[2] == '' then
    redis.call('DEL', KEYS[1])
    forget(redis.call, id)
else
    -- The first write: without room it fails here, and nothing was changed.
    redis.call('SET', KEYS[1], ARGV[2])
    if ARGV[3] ~= '' then
        redis.call('PEXPIREAT', KEYS[1], ARGV[3])
    end
    if ARGV[3] ~= '' and redis.call('EXISTS', KEYS[1]) == 0 then
        forget(redis.call, id)
    else
        note(2, id, '0')
        note(3, id, ARGV[4])
        note(4, id, ARGV[5] == '1' and '0' or '')
        note(5, id, ARGV[3])
    end
end

-- The swap is made: nothing below may fail the call, neither a name that has moved to another node
-- of a cluster nor a command that the user may not use.

-- Expired records leave their ids behind; each write removes a few.
local now = redis.pcall('TIME')[1] or '0'
local expired = redis.pcall('ZRANGEBYSCORE', KEYS[5], '-inf', now .. '000', 'LIMIT', 0, 4)
for _, old in ipairs(expired) do
    if redis.pcall('EXISTS', ARGV[7] .. old) == 0 then
        forget(redis.pcall, old)
    end
end

redis.pcall('PUBLISH', ARGV[8], ARGV[9])
return 1
